import { findLogs, findReadable, openLog } from '../../app/build-records.ts';
import { safeText } from '../build-view/safe-text.ts';
import { stepLabels } from '../build-view/step-label.ts';
import type { CommandSpec } from '../spec.ts';
import type { Terminal } from '../terminal.ts';

export const command: CommandSpec = {
  name: 'builds logs',
  aliases: ['buildx history logs'],
  summary: 'Print all that the steps of a build printed, or one step; nothing is clipped',
  usage: '[BUILD [STEP]]',
  arity: [0, 2],
  options: [],
  examples: ['dobos builds logs', 'dobos builds logs ^0 3', 'dobos builds logs ^1 | grep -i warning'],
  limits: [
    'BUILD is an id, the beginning of one, or ^N for the build N before the newest; without it the newest is meant.',
    'Of one step the first GiB is kept. Cached steps print nothing.',
  ],
  async run({ app, terminal, args }) {
    const [text = '^0', wanted] = args;
    const build = await findReadable(app, text);
    const labels = stepLabels(build.record);
    const logs = findLogs(build, wanted, ({ id }) => labels.get(id)?.number);
    for (const [at, { step, path }] of logs.entries()) {
      const { number, text: label } = labels.get(step.id)!;
      if (wanted === undefined) await terminal.out(`${at === 0 ? '' : '\n'}#${number} ${label}\n`);
      if (path !== undefined) await printLog(terminal, path, wanted === undefined);
    }
    return 0;
  },
};

/** Characters of a line without an end that are held back. */
const LONGEST_LINE = 64 * 1024;

/** The bytes as they are; on a terminal without what it would obey. */
async function printLog(terminal: Terminal, path: string, withEnd: boolean): Promise<void> {
  let last = 0x0a;
  let open = '';
  const decoder = new TextDecoder();
  for await (const bytes of openLog(path)) {
    last = bytes.at(-1) ?? last;
    if (!terminal.outIsTty) {
      await terminal.out(bytes);
      continue;
    }
    const lines = (open + decoder.decode(bytes, { stream: true })).split('\n');
    open = lines.pop() ?? '';
    if (open.length > LONGEST_LINE) {
      lines.push(open);
      open = '';
    }
    await terminal.out(lines.map((line) => `${safeText(line)}\n`).join(''));
  }
  if (open !== '') await terminal.out(`${safeText(open)}\n`);
  else if (withEnd && last !== 0x0a) await terminal.out('\n');
}
