#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tally {

// Chinese names as they are typed in Latin letters. For finding people alone: what a name really sounds like, its owner
// knows. Pure; the table is read once.

/// Readings of a Simplified character in pinyin, small letters without tones, the most usual one first; ü is "v" and
/// "u". Nothing for other characters.
std::vector<std::string_view> pinyin_of(char32_t c);

/// Characters from one place on, and ways to read them, that are looked at: names are shorter.
inline constexpr std::size_t pinyin_run_max = 8, pinyin_ways_max = 8;

/// What may be typed for a run of characters, beginning at each of them: "zhangwei", "zw", "wei", "w". Whoever types
/// less types the beginning of one of these. Without repeats.
std::vector<std::u32string> pinyin_spellings(std::u32string_view run);

}  // namespace tally
