import { inspectVolume } from '../../app/volumes.ts';
import { safeJson } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { formatError } from '../format-error.ts';
import { formatOption, printFormatted } from '../format-option.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'volume inspect',
  aliases: [],
  summary: 'Show everything about volumes, as JSON or by a template',
  usage: '[OPTIONS] VOLUME...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [{ ...formatOption, flags: '-f, --format <template>' }],
  examples: ['dobos volume inspect data', "dobos volume inspect --format '{{.Mountpoint}}' data"],
  async run({ app, terminal, args, options }) {
    const values: unknown[] = [];
    let failed = 0;
    for (const name of args) {
      try {
        values.push(await inspectVolume(app, name));
      } catch (error) {
        failed = 1;
        terminal.err(formatError(error, createPaint(terminal.colour), false));
      }
    }
    if (options.format !== undefined) await printFormatted(terminal, options, values);
    else await terminal.out(`${safeJson(values, 4)}\n`);
    return failed;
  },
};
