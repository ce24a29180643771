import { restartContainer } from '../../app/stop-container.ts';
import { eachName } from '../each-name.ts';
import type { CommandSpec } from '../spec.ts';
import { STOP_OPTIONS, stopHow } from '../stop-options.ts';

export const command: CommandSpec = {
  name: 'restart',
  aliases: ['container restart'],
  summary: 'Stop containers, and start them again in the background',
  usage: '[OPTIONS] CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: STOP_OPTIONS,
  examples: ['dobos restart web', 'dobos restart -t 1 web eager_carver'],
  async run({ app, terminal, args, options, signal }) {
    const how = stopHow('restart', options);
    return eachName(terminal, args, async (name) => {
      await restartContainer(app, name, how, {
        signal,
        onWarning: (message) => terminal.err(`dobos: warning: ${message}\n`),
      });
      return name;
    });
  },
};
