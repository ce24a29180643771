import { stopByName } from '../../app/stop-container.ts';
import { eachName } from '../each-name.ts';
import type { CommandSpec } from '../spec.ts';
import { STOP_OPTIONS, stopHow } from '../stop-options.ts';

export const command: CommandSpec = {
  name: 'stop',
  aliases: ['container stop'],
  summary: 'Ask containers to end, and kill those that do not',
  usage: '[OPTIONS] CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: STOP_OPTIONS,
  examples: ['dobos stop box', 'dobos stop -t 1 box eager_carver'],
  async run({ app, terminal, args, options, signal }) {
    const how = stopHow('stop', options);
    return eachName(terminal, args, async (name) => {
      await stopByName(app, name, how, { signal });
      return name;
    });
  },
};
