import { startContainer } from '../../app/run-container.ts';
import { cliError } from '../errors.ts';
import { afterStop, passOrStop } from '../pass-signals.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'start',
  aliases: ['container start'],
  summary: 'Start a container again, with what it wrote before',
  usage: '-a|-i CONTAINER',
  arity: [1, 1],
  options: [
    { flags: '-a, --attach', summary: 'in the foreground, with its output here', common: true },
    { flags: '-i, --interactive', summary: 'pass standard input on, if it was made with -i', common: true },
  ],
  later: ['--detach-keys'],
  examples: ['dobos start -a job', 'dobos start -ai box'],
  limits: ['In the foreground only: one of -a and -i is needed.'],
  async run({ app, terminal, args, options, takeSignals }) {
    const interactive = flagOption(options, 'interactive');
    if (!interactive && !flagOption(options, 'attach')) {
      throw cliError(
        'CLI_USAGE',
        { command: 'start', problem: 'in the background comes in a later version' },
        { hint: `in the foreground: dobos start -ai ${args[0]}` },
      );
    }
    const stop = new AbortController();
    const { code } = await startContainer(app, args[0]!, {
      interactive,
      hasTerminal: terminal.inIsTty,
      signal: stop.signal,
      onStart: (pass) => takeSignals(passOrStop(terminal, pass, stop)),
    }).catch((error: unknown) => afterStop(terminal, stop, error));
    return code;
  },
};
