import { pruneVolumes } from '../../app/volumes.ts';
import { type CommandSpec, flagOption, listOption } from '../spec.ts';
import { formatDockerSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'volume prune',
  aliases: [],
  summary: 'Remove volumes that no container uses: those without a name, or all',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-a, --all', summary: 'those with a name too', common: true },
    { flags: '-f, --force', summary: 'accepted for scripts; nothing is asked here' },
    { flags: '--filter <key=value>', summary: 'label=KEY[=VALUE], label!=KEY[=VALUE], all=1', repeat: true },
  ],
  examples: ['dobos volume prune', 'dobos volume prune -a', "dobos volume prune --filter 'label!=keep'"],
  async run({ app, terminal, options }) {
    const { removed, bytes } = await pruneVolumes(app, {
      all: flagOption(options, 'all'),
      filters: listOption(options, 'filter'),
    });
    if (removed.length > 0) {
      await terminal.out(`Deleted Volumes:\n${removed.map((name) => `${name}\n`).join('')}\n`);
    }
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};
