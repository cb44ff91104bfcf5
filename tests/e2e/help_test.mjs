// What a person at a terminal reads: every help fits 80 columns, and its examples can be pasted.
import assert from 'node:assert/strict';
import { makeChain } from './chain.mjs';
import { good, scenario } from './lib.mjs';

const columns = 80;
const widthOf = (line) =>
  [...line].reduce((n, c) => n + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/.test(c) ? 2 : 1), 0);
const narrow = (text, where) => {
  for (const line of text.split('\n')) assert.ok(widthOf(line) <= columns, `${where}: ${widthOf(line)} columns: ${line}`);
};

await scenario('help', 120, async (t) => {
  const top = (await good(['--help'])).out;
  narrow(top, 'tallystick --help');
  const commands = [...top.slice(top.indexOf('Subcommands:')).matchAll(/^ {2}([a-z][a-z-]*) /gm)].map((m) => m[1]);
  assert.ok(commands.length > 25, commands.join(' '));
  const words = [];
  for (const command of commands) {
    const help = (await good([command, '--help'])).out;
    narrow(help, command);
    assert.match(help, new RegExp(`tallystick ${command} `), command);
    // A line that goes on says so, and the next one is deeper.
    const lines = help.split('\n');
    lines.forEach((line, i) => {
      if (line.endsWith(' \\')) assert.match(lines[i + 1], /^ {6}\S/, `${command}: ${line}`);
      if (/^ {2}tallystick /.test(line)) words.push(line);
    });
  }
  assert.ok(words.length > 30, 'examples are there');
  t.step(`${commands.length} commands`);

  const names = ['hq', '本店（人民广场站一号口地下一层）', 'A name of forty-two letters in a long street'];
  const { nodes } = await makeChain(t, [[names[0], 'hq'], [names[1], 'store', 'hq'], [names[2], 'store', 'hq']]);
  for (const name of names) {
    const shown = (await good(['status', '--data', nodes[name].data])).out;
    narrow(shown, `status of ${name}`);
    assert.match(shown, /certificate +ends in/);
  }
  const shown = (await good(['status', '--data', nodes.hq.data])).out;
  assert.match(shown, /NODE +NAME +ROLE +PARENT +ENTRIES +STATE/);
  assert.match(shown, /NODE +HELD CNY +QUOTA CNY +EXPOSURE CNY +CONTESTED +CERTIFIED/);
  assert.match(shown, /A name of forty-two letters …/);
  t.step('status');
});
