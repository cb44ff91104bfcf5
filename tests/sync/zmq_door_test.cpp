#include "sync/zmq_world.hpp"

using namespace tally;
using namespace tally::zmq_test;

TEST_CASE("the door answers anybody who knows its key", "[sync][zmq]") {
  world w;
  std::atomic<int> asked{0};
  auto door = zmq_door::start("tcp://127.0.0.1:*", w.server_key, [&](bytes request) {
    ++asked;
    return request == "silence" ? bytes() : "answer to " + request.substr(0, 100);
  });
  REQUIRE(door.ok());
  auto endpoint = (*door)->endpoint();
  using std::chrono::seconds;
  auto ask = [&](const std::string& question) {
    auto answer = door_call(endpoint, w.server_key.pub, question, seconds(20));
    return answer.ok() ? *answer : answer.error().detail;
  };
  for (int i = 0; i < 5; ++i)
    CHECK(ask(std::to_string(i)) == "answer to " + std::to_string(i));
  CHECK(door_call(endpoint, w.server_key.pub, bytes(door_message_bytes_max, 'r'), seconds(60)).ok());
  CHECK(asked == 6);

  CHECK(door_call(endpoint, w.server_key.pub, bytes(door_message_bytes_max + 1, 'r'), seconds(60)).code() ==
        errc::malformed);
  CHECK(door_call(endpoint, w.server_key.pub, "", seconds(60)).code() == errc::malformed);
  CHECK(door_call("ipc://x", w.server_key.pub, "q", seconds(60)).code() == errc::bad_config);
  CHECK(door_call(endpoint, make_curve_key(w.source).pub, "q", seconds(1)).code() == errc::offline);
  CHECK(asked == 6);
  CHECK(door_call(endpoint, w.server_key.pub, "silence", seconds(5)).code() == errc::timeout);
  CHECK(asked == 7);

  throw_garbage(endpoint);
  {
    zmq::context_t context(1);
    zmq::socket_t rude(context, zmq::socket_type::dealer);
    auto key = make_curve_key(w.source);
    rude.set(zmq::sockopt::linger, 0);
    rude.set(zmq::sockopt::curve_serverkey, zmq::buffer(w.server_key.pub));
    rude.set(zmq::sockopt::curve_publickey, zmq::buffer(key.pub));
    rude.set(zmq::sockopt::curve_secretkey, zmq::buffer(key.secret.data(), 32));
    rude.connect(endpoint);
    rude.send(zmq::buffer(std::string("many")), zmq::send_flags::sndmore);
    rude.send(zmq::buffer(std::string("frames")), zmq::send_flags::none);
    rude.send(zmq::buffer(std::string(100'000, 'x')), zmq::send_flags::none);
    CHECK(ask("after") == "answer to after");
  }
  CHECK(asked == 8);

  std::vector<std::thread> callers;
  seen<bytes> answers;
  for (int i = 0; i < 24; ++i)
    callers.emplace_back([&, i] {
      auto answer = door_call(endpoint, w.server_key.pub, "caller " + std::to_string(i), seconds(60));
      answers.add(answer.ok() ? *answer : answer.error().detail);
    });
  for (auto& t : callers)
    t.join();
  for (int i = 0; i < 24; ++i)
    CHECK(answers.contains("answer to caller " + std::to_string(i)));
  *door = nullptr;
  CHECK(door_call(endpoint, w.server_key.pub, "q", seconds(1)).code() == errc::offline);
}
