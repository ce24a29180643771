import { pruneImages } from '../../app/prune.ts';
import type { CommandSpec } from '../spec.ts';
import { formatDockerSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'image prune',
  aliases: [],
  summary: 'Remove images that lost their name',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [{ flags: '-f, --force', summary: 'accepted for scripts; nothing is asked here' }],
  examples: ['dobos image prune', 'dobos images -f dangling=true', 'dobos builder prune'],
  limits: ['What the build cache uses stays on disk until: dobos builder prune'],
  async run({ app, terminal }) {
    const { removed, bytes } = await pruneImages(app);
    if (removed.length > 0)
      await terminal.out(`Deleted Images:\n${removed.map((id) => `deleted: ${id}\n`).join('')}\n`);
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};
