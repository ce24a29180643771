import { execInContainer, findRunning } from '../../app/reach-container.ts';
import { isDobosError } from '../../base/errors.ts';
import { createPaint } from '../colour.ts';
import { connectTerminal, sizeOf } from '../connect-terminal.ts';
import { parseDetachKeys, USUAL_DETACH_KEYS } from '../detach-keys.ts';
import { cliError } from '../errors.ts';
import { formatError } from '../format-error.ts';
import { type CommandSpec, flagOption, listOption, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'exec',
  aliases: ['container exec'],
  summary: 'Run one more program in a running container',
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  arity: [2, Number.POSITIVE_INFINITY],
  passThrough: true,
  options: [
    { flags: '-i, --interactive', summary: 'pass standard input on', common: true },
    { flags: '-t, --tty', summary: 'give the program a terminal', common: true },
    { flags: '-d, --detach', summary: 'return as soon as it runs', common: true },
    {
      flags: '-e, --env <name=value>',
      summary: "beside the container's; a name alone takes its value from here",
      repeat: true,
      common: true,
    },
    { flags: '--env-file <file>', summary: 'variables, a line each', repeat: true },
    { flags: '-u, --user <user>', summary: 'name or id, with `:group`; the container’s by default' },
    { flags: '-w, --workdir <path>', summary: 'where the program starts' },
    { flags: '--privileged', summary: 'with all rights that this machine can give' },
    { flags: '--detach-keys <keys>', summary: 'what is typed to leave', default: USUAL_DETACH_KEYS },
  ],
  examples: [
    'dobos exec -it web sh',
    'dobos exec web cat /etc/hosts',
    'dobos exec -d -u www web touch /tmp/x',
  ],
  limits: [
    'A program whose terminal goes away is killed; one without a terminal goes on when this command is stopped.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const [name = '', ...words] = args;
    const tty = flagOption(options, 'tty');
    const interactive = flagOption(options, 'interactive');
    const detach = flagOption(options, 'detach');
    const detachKeys = parseDetachKeys('exec', textOption(options, 'detachKeys') ?? '');
    if (tty && interactive && !detach && !terminal.inIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'exec', problem: '-it needs a terminal, and standard input is none' },
        { hint: 'leave out -t' },
      );
    }
    const container = await findRunning(app, name);
    const connection = connectTerminal(terminal, { input: interactive && !detach, tty, detachKeys });
    try {
      const exit = await execInContainer(app, container, {
        ...connection.watch,
        command: words,
        env: listOption(options, 'env'),
        envFiles: listOption(options, 'envFile'),
        workdir: textOption(options, 'workdir'),
        user: textOption(options, 'user'),
        privileged: flagOption(options, 'privileged'),
        size: tty ? sizeOf(terminal) : undefined,
        tty,
        interactive,
        detach,
        signal,
      });
      if (exit === undefined && tty && !detach) terminal.err('read escape sequence\n');
      return exit?.code ?? 0;
    } catch (error) {
      if (!isDobosError(error, 'RUNTIME_FAILED')) throw error;
      connection.end();
      terminal.err(formatError(error, createPaint(terminal.colour), false));
      return 126;
    } finally {
      connection.end();
    }
  },
};
