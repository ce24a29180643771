import { attachToContainer, findRunning, signalInContainer } from '../../app/reach-container.ts';
import { connectTerminal, sizeOf } from '../connect-terminal.ts';
import { parseDetachKeys, USUAL_DETACH_KEYS } from '../detach-keys.ts';
import { type CommandSpec, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'attach',
  aliases: ['container attach'],
  summary: 'See what a container in the background prints, and type into it',
  usage: '[OPTIONS] CONTAINER',
  arity: [1, 1],
  options: [
    {
      flags: '--detach-keys <keys>',
      summary: 'what is typed to leave a terminal',
      default: USUAL_DETACH_KEYS,
      common: true,
    },
    { flags: '--no-stdin', summary: 'pass nothing on' },
    { flags: '--sig-proxy <yes>', summary: 'pass signals on', default: 'true', bare: 'true' },
  ],
  examples: ['dobos attach web', 'dobos attach --no-stdin web', 'dobos attach --detach-keys ctrl-x box'],
  limits: ['Of containers in the foreground the streams are with the command that runs them.'],
  async run({ app, terminal, args, options, takeSignals }) {
    const detachKeys = parseDetachKeys('attach', textOption(options, 'detachKeys') ?? '');
    const container = await findRunning(app, args[0]!);
    const { tty } = container.process;
    const input = container.interactive && options.stdin !== false;
    const connection = connectTerminal(terminal, { input, tty, detachKeys });
    const left = new AbortController();
    takeSignals((name) => {
      if (textOption(options, 'sigProxy') === 'false') left.abort(name);
      else void signalInContainer(app, container, name).catch(() => left.abort(name));
    });
    try {
      const exit = await attachToContainer(app, container, {
        ...connection.watch,
        size: tty && terminal.outIsTty ? sizeOf(terminal) : undefined,
        signal: left.signal,
      });
      if (exit === undefined && tty) terminal.err('read escape sequence\n');
      return exit?.code ?? 0;
    } catch (error) {
      if (!left.signal.aborted) throw error;
      return left.signal.reason === 'SIGTERM' ? 143 : 130;
    } finally {
      connection.end();
    }
  },
};
