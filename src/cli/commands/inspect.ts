import { inspectAny } from '../../app/inspect-any.ts';
import { safeJson } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { formatError } from '../format-error.ts';
import { formatOption, printFormatted } from '../format-option.ts';
import { type CommandSpec, textOption } from '../spec.ts';

/** What `inspect`, and the forms for one kind only, have in common. */
export const inspectCommand = (
  own: Pick<CommandSpec, 'name' | 'aliases' | 'summary' | 'usage' | 'examples'>,
  kind?: 'container' | 'image',
): CommandSpec => ({
  ...own,
  arity: [1, Number.POSITIVE_INFINITY],
  options: [
    { ...formatOption, flags: '-f, --format <template>' },
    ...(kind === undefined
      ? [
          {
            flags: '--type <type>',
            summary: 'only these; a container first otherwise',
            choices: ['container', 'image'],
          },
        ]
      : []),
  ],
  async run({ app, terminal, args, options }) {
    const values: unknown[] = [];
    let failed = 0;
    for (const name of args) {
      try {
        values.push(await inspectAny(app, name, kind ?? textOption(options, 'type')));
      } catch (error) {
        failed = 1;
        terminal.err(formatError(error, createPaint(terminal.colour), false));
      }
    }
    if (options.format !== undefined) await printFormatted(terminal, options, values);
    else await terminal.out(`${safeJson(values, 4)}\n`);
    return failed;
  },
});

export const command: CommandSpec = inspectCommand({
  name: 'inspect',
  aliases: [],
  summary: 'Show everything about containers and images, as JSON or by a template',
  usage: '[OPTIONS] NAME...',
  examples: [
    'dobos inspect app',
    "dobos inspect --format '{{.Config.Env}}' app",
    "dobos inspect --format '{{.State.ExitCode}}' box",
  ],
});
