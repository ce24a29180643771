import { unpauseContainer } from '../../app/stop-container.ts';
import { eachName } from '../each-name.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'unpause',
  aliases: ['container unpause'],
  summary: 'Let the processes of containers go on',
  usage: 'CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [],
  examples: ['dobos unpause web', 'dobos unpause web eager_carver'],
  run: ({ app, terminal, args }) =>
    eachName(terminal, args, async (name) => {
      await unpauseContainer(app, name);
      return name;
    }),
};
