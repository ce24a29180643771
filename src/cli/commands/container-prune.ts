import { pruneContainers } from '../../app/remove-containers.ts';
import { parseDuration } from '../../dockerfile/duration.ts';
import { cliError } from '../errors.ts';
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
    { flags: '--filter <key=value>', summary: 'only those made before: until=24h', repeat: true },
  ],
  examples: ['dobos container prune', 'dobos container prune --filter until=24h'],
  async run({ app, terminal, options }) {
    const { removed, bytes } = await pruneContainers(app, {
      olderThan: untilFilter(listOption(options, 'filter'), app.settings.now()),
    });
    if (removed.length > 0)
      await terminal.out(`Deleted Containers:\n${removed.map((id) => `${id}\n`).join('')}\n`);
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};

/** @throws CLI_USAGE */
function untilFilter(filters: readonly string[], now: number): number | undefined {
  let olderThan: number | undefined;
  for (const filter of filters) {
    const ago = filter.startsWith('until=') ? parseDuration(filter.slice('until='.length)) : undefined;
    if (ago === undefined || ago < 0) {
      const problem = `--filter ${filter} is unknown, want until= with a time such as 24h`;
      throw cliError('CLI_USAGE', { command: 'container prune', problem });
    }
    olderThan = Math.min(olderThan ?? Number.POSITIVE_INFINITY, now - ago / 1e6);
  }
  return olderThan;
}
