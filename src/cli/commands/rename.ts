import { lookUpContainer, openContainers } from '../../app/containers.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'rename',
  aliases: ['container rename'],
  summary: 'Give a container another name',
  usage: 'CONTAINER NEW_NAME',
  arity: [2, 2],
  options: [],
  examples: ['dobos rename eager_carver box', 'dobos rename 3f1c2a box'],
  async run({ app, args }) {
    const { records } = await openContainers(app);
    const { id } = await lookUpContainer(records, args[0]!);
    await records.rename(id, args[1]!);
    return 0;
  },
};
