import { lookUpContainer, openContainers } from '../../app/containers.ts';
import { waitForContainer } from '../../containers/signal-container.ts';
import { eachName } from '../each-name.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'wait',
  aliases: ['container wait'],
  summary: 'Wait until containers have ended; prints their exit codes',
  usage: 'CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [],
  examples: ['dobos wait box', 'dobos wait eager_carver 3f1c2a'],
  async run({ app, terminal, args, signal }) {
    const tools = await openContainers(app);
    return eachName(terminal, args, async (name) => {
      const container = await lookUpContainer(tools.records, name);
      return String(await waitForContainer(tools, container, { signal }));
    });
  },
};
