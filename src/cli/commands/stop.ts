import { lookUpContainer, openContainers } from '../../app/containers.ts';
import { parseSignal, stopContainer } from '../../containers/signal-container.ts';
import { eachName } from '../each-name.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'stop',
  aliases: ['container stop'],
  summary: 'Ask containers to end, and kill those that do not',
  usage: '[OPTIONS] CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [
    {
      flags: '-t, --time <seconds>',
      summary: 'how long to wait before killing; 10 unless the image says',
      common: true,
    },
    { flags: '-s, --signal <signal>', summary: "which signal asks; the image's, or TERM" },
  ],
  examples: ['dobos stop box', 'dobos stop -t 1 box eager_carver'],
  async run({ app, terminal, args, options, signal }) {
    const time = textOption(options, 'time');
    if (time !== undefined && !/^-?\d{1,9}$/.test(time)) {
      throw cliError('CLI_USAGE', { command: 'stop', problem: `--time is "${time}", want seconds` });
    }
    const asked = textOption(options, 'signal');
    const tools = await openContainers(app);
    return eachName(terminal, args, async (name) => {
      const container = await lookUpContainer(tools.records, name);
      // As docker has it: what does not run is stopped already.
      if (container.state.kind !== 'running') return name;
      const { StopSignal, StopTimeout } = container.config;
      const how = {
        signal: parseSignal(asked ?? StopSignal ?? 'TERM'),
        seconds: time === undefined ? (StopTimeout ?? STOP_SECONDS) : Number(time),
      };
      await stopContainer(tools, container, how, { signal });
      return name;
    });
  },
};

const STOP_SECONDS = 10;
