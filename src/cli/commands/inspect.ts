import { inspectImage } from '../../app/inspect.ts';
import { safeJson } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { formatError } from '../format-error.ts';
import { formatOption, printFormatted } from '../format-option.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'inspect',
  aliases: ['image inspect'],
  summary: 'Show everything about images, as JSON or by a template',
  usage: '[OPTIONS] IMAGE...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [
    { ...formatOption, flags: '-f, --format <template>' },
    {
      flags: '--type <type>',
      summary: 'accepted for scripts; there are only images yet',
      choices: ['image'],
    },
  ],
  examples: [
    'dobos inspect app',
    "dobos inspect --format '{{.Config.Env}}' app",
    'dobos inspect --format \'{{join .RootFS.Layers "\\n "}}\' app',
  ],
  async run({ app, terminal, args, options }) {
    const values: unknown[] = [];
    let failed = 0;
    for (const name of args) {
      try {
        values.push(await inspectImage(app, name));
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
