// A scanner that the kernel believes in: keys through /dev/uinput. Commands on standard input, one a line, each answered
// with a line: plug, unplug, type TEXT (a report each millisecond, as USB has them), flood TEXT (faster than they can be
// read), twice TEXT (20 ms between), half TEXT (no end), grabbed (is it read by one alone?).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const char letters[] = "qwertyuiop\0\0\0\0asdfghjkl\0\0\0\0\0zxcvbnm";  // from KEY_Q on

static int key_of(char c, int *shift) {
  *shift = 0;
  if (c >= '1' && c <= '9') return KEY_1 + (c - '1');
  switch (c) {
    case '0': return KEY_0;
    case '\n': return KEY_ENTER;
    case '.': return KEY_DOT;
    case ';': return KEY_SEMICOLON;
    case '=': return KEY_EQUAL;
    case '-': return KEY_MINUS;
    case '?': *shift = 1; return KEY_SLASH;
    case ':': *shift = 1; return KEY_SEMICOLON;
  }
  if (c >= 'A' && c <= 'Z') {
    *shift = 1;
    c = (char)(c - 'A' + 'a');
  }
  for (unsigned i = 0; i < sizeof letters; ++i)
    if (letters[i] == c && c != 0) return KEY_Q + (int)i;
  return 0;
}

static void emit(int fd, int type, int code, int value) {
  struct input_event e;
  memset(&e, 0, sizeof e);
  e.type = (unsigned short)type;
  e.code = (unsigned short)code;
  e.value = value;
  if (write(fd, &e, sizeof e) != sizeof e) perror("write");
}

static int pause_us = 1000;

static void press(int fd, int key, int down) {
  emit(fd, EV_KEY, key, down);
  emit(fd, EV_SYN, SYN_REPORT, 0);
  if (pause_us) usleep((useconds_t)pause_us);
}

static void type(int fd, const char *text) {
  for (; *text; ++text) {
    int shift, key = key_of(*text, &shift);
    if (shift) press(fd, KEY_LEFTSHIFT, 1);
    press(fd, key, 1);
    press(fd, key, 0);
    if (shift) press(fd, KEY_LEFTSHIFT, 0);
  }
}

static int plug(void) {
  int fd = open("/dev/uinput", O_WRONLY);
  struct uinput_setup s;
  if (fd < 0) return -1;
  ioctl(fd, UI_SET_EVBIT, EV_KEY);
  for (int k = KEY_ESC; k <= KEY_KPDOT; ++k)
    ioctl(fd, UI_SET_KEYBIT, k);
  memset(&s, 0, sizeof s);
  s.id.bustype = BUS_USB;
  s.id.vendor = 0x1234;
  s.id.product = 0x5678;
  strcpy(s.name, "Tally uinput scanner");
  if (ioctl(fd, UI_DEV_SETUP, &s) < 0 || ioctl(fd, UI_DEV_CREATE) < 0) return -1;
  return fd;
}

// Somebody holds it for himself when nobody else gets it.
static const char *grabbed(int fd) {
  char name[64], path[128];
  struct dirent *d;
  DIR *dir;
  if (ioctl(fd, UI_GET_SYSNAME(sizeof name), name) < 0) return "no name";
  snprintf(path, sizeof path, "/sys/class/input/%s", name);
  if (!(dir = opendir(path))) return "no folder";
  while ((d = readdir(dir)))
    if (strncmp(d->d_name, "event", 5) == 0) {
      int e, rc;
      snprintf(path, sizeof path, "/dev/input/%.32s", d->d_name);
      e = open(path, O_RDONLY);
      rc = e < 0 ? 0 : ioctl(e, EVIOCGRAB, 1);
      closedir(dir);
      if (e >= 0) close(e);
      return rc < 0 && errno == EBUSY ? "yes" : "no";
    }
  closedir(dir);
  return "no event";
}

int main(int argc, char **argv) {
  char line[512];
  int fd = -1;
  struct termios t;
  FILE *io = argc > 1 ? fopen(argv[1], "r+") : NULL;
  if (!io) return 1;
  setvbuf(io, NULL, _IONBF, 0);
  if (tcgetattr(fileno(io), &t) == 0) {
    cfmakeraw(&t);
    tcsetattr(fileno(io), TCSANOW, &t);
  }
  fputs("here\n", io);
  while (fgets(line, sizeof line, io)) {
    const char *answer = "done";
    if (strcmp(line, "plug\n") == 0) {
      fd = plug();
      if (fd < 0) answer = "no uinput";
    } else if (strcmp(line, "unplug\n") == 0) {
      close(fd);
    } else if (strcmp(line, "grabbed\n") == 0) {
      answer = grabbed(fd);
    } else if (strncmp(line, "type ", 5) == 0) {
      type(fd, line + 5);
    } else if (strncmp(line, "flood ", 6) == 0) {
      pause_us = 0;
      for (int i = 0; i < 20; ++i)
        type(fd, line + 6);
      pause_us = 1000;
    } else if (strncmp(line, "half ", 5) == 0) {
      line[strcspn(line, "\n")] = 0;
      type(fd, line + 5);
    } else if (strncmp(line, "twice ", 6) == 0) {
      type(fd, line + 6);
      usleep(20 * 1000);
      type(fd, line + 6);
    } else {
      answer = "what?";
    }
    fprintf(io, "%s\n", answer);
  }
  return 0;
}
