import { pauseContainer } from '../../app/stop-container.ts';
import { eachName } from '../each-name.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'pause',
  aliases: ['container pause'],
  summary: 'Stop all processes of containers where they are',
  usage: 'CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [],
  examples: ['dobos pause web', 'dobos pause web eager_carver'],
  run: ({ app, terminal, args }) =>
    eachName(terminal, args, async (name) => {
      await pauseContainer(app, name);
      return name;
    }),
};
