import { pruneContainers } from '../../app/remove-containers.ts';
import { type CommandSpec, listOption } from '../spec.ts';
import { formatDockerSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'container prune',
  aliases: [],
  summary: 'Remove all containers that do not run',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-f, --force', summary: 'accepted for scripts; nothing is asked here' },
    {
      flags: '--filter <key=value>',
      summary: 'only those with label=KEY[=VALUE], label!=…, made before until=24h',
      repeat: true,
    },
  ],
  examples: ['dobos container prune', 'dobos container prune --filter until=24h'],
  async run({ app, terminal, options }) {
    const { removed, bytes } = await pruneContainers(app, listOption(options, 'filter'));
    if (removed.length > 0)
      await terminal.out(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}\n`);
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};
