import { pruneBuildCache } from '../../app/prune.ts';
import type { CommandSpec } from '../spec.ts';
import { formatDockerSize, shortId } from '../units.ts';

export const command: CommandSpec = {
  name: 'builder prune',
  aliases: ['buildx prune'],
  summary: 'Remove the build cache; images stay',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-f, --force', summary: 'accepted for scripts; nothing is asked here' },
    { flags: '-a, --all', summary: 'accepted for scripts; the whole cache goes in any case' },
  ],
  examples: ['dobos builder prune', 'dobos system df', 'dobos system prune'],
  async run({ app, terminal }) {
    const { removed, bytes } = await pruneBuildCache(app);
    if (removed.length > 0)
      await terminal.out(`Deleted build cache:\n${removed.map((id) => `${shortId(id)}\n`).join('')}\n`);
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};
