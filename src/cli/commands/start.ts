import type { App } from '../../app/app.ts';
import { startContainer, startInBackground } from '../../app/run-container.ts';
import { eachName } from '../each-name.ts';
import { cliError } from '../errors.ts';
import { afterStop, passOrStop } from '../pass-signals.ts';
import { type CommandSpec, flagOption } from '../spec.ts';
import type { Terminal } from '../terminal.ts';

export const command: CommandSpec = {
  name: 'start',
  aliases: ['container start'],
  summary: 'Start containers again, with what they wrote before',
  usage: '[OPTIONS] CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [
    { flags: '-a, --attach', summary: 'in the foreground, with its output here', common: true },
    { flags: '-i, --interactive', summary: 'pass standard input on, if it was made with -i', common: true },
  ],
  later: ['--detach-keys'],
  examples: ['dobos start box', 'dobos start -a job', 'dobos start -ai box'],
  async run({ app, terminal, args, options, takeSignals }) {
    const interactive = flagOption(options, 'interactive');
    if (!interactive && !flagOption(options, 'attach')) return inBackground(app, terminal, args);
    if (args.length > 1) {
      const problem = 'only one container can be in the foreground';
      throw cliError('CLI_USAGE', { command: 'start', problem }, { hint: 'leave out -a and -i' });
    }
    const stop = new AbortController();
    const { code } = await startContainer(app, args[0]!, {
      interactive,
      hasTerminal: terminal.inIsTty,
      signal: stop.signal,
      onWarning: (message) => terminal.err(`dobos: warning: ${message}\n`),
      onStart: (pass) => takeSignals(passOrStop(terminal, pass, stop)),
    }).catch((error: unknown) => afterStop(terminal, stop, error));
    return code;
  },
};

function inBackground(app: App, terminal: Terminal, names: readonly string[]): Promise<number> {
  return eachName(terminal, names, async (name) => {
    await startInBackground(app, name, {
      onWarning: (message) => terminal.err(`dobos: warning: ${message}\n`),
    });
    return name;
  });
}
