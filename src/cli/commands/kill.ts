import { lookUpContainer, openContainers } from '../../app/containers.ts';
import { killContainer, parseSignal } from '../../containers/signal-container.ts';
import { eachName } from '../each-name.ts';
import { type CommandSpec, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'kill',
  aliases: ['container kill'],
  summary: 'Kill containers that run, or send them another signal',
  usage: '[OPTIONS] CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [{ flags: '-s, --signal <signal>', summary: 'which signal', default: 'KILL', common: true }],
  examples: ['dobos kill box', 'dobos kill -s HUP box'],
  async run({ app, terminal, args, options, signal }) {
    const wanted = parseSignal(textOption(options, 'signal') ?? 'KILL');
    const tools = await openContainers(app);
    return eachName(terminal, args, async (name) => {
      const container = await lookUpContainer(tools.records, name);
      await killContainer(tools, container, wanted, { signal });
      return name;
    });
  },
};
