import { type CachePruning, pruneBuildCache } from '../../app/prune.ts';
import { safeText } from '../build-view/safe-text.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, listOption } from '../spec.ts';
import { formatDockerSize, shortId } from '../units.ts';

export const command: CommandSpec = {
  name: 'builder prune',
  aliases: ['buildx prune'],
  summary: 'Remove the build cache; images stay',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-f, --force', summary: 'accepted for scripts; nothing is asked here' },
    {
      flags: '--filter <key=value>',
      summary: 'only what fits: id=ID, type=exec.cachemount, type=regular (steps)',
      repeat: true,
    },
    { flags: '-a, --all', summary: 'accepted for scripts; the whole cache goes in any case' },
  ],
  examples: [
    'dobos builder prune',
    'dobos builder prune --filter type=exec.cachemount',
    'dobos builder prune --filter id=/root/.cache',
    'dobos system df',
  ],
  async run({ app, terminal, options }) {
    const { removed, bytes } = await pruneBuildCache(app, readFilters(listOption(options, 'filter')));
    const shown = removed.map((id) => `${/^[0-9a-f]{64}$/.test(id) ? shortId(id) : safeText(id)}\n`);
    if (removed.length > 0) await terminal.out(`Deleted build cache:\n${shown.join('')}\n`);
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};

/** @throws CLI_USAGE */
function readFilters(filters: readonly string[]): CachePruning {
  const ids: string[] = [];
  let only: CachePruning['only'];
  for (const filter of filters) {
    const [, key, value = ''] = /^(\w+)=(.+)$/.exec(filter) ?? [];
    if (key === 'id') ids.push(value);
    else if (key === 'type' && TYPES.has(value)) only = TYPES.get(value);
    else {
      const problem = `--filter ${filter} is unknown, want id=ID, type=exec.cachemount or type=regular`;
      throw cliError('CLI_USAGE', { command: 'builder prune', problem });
    }
  }
  return { ids: ids.length === 0 ? undefined : ids, only };
}

const TYPES = new Map([
  ['exec.cachemount', 'mounts'],
  ['regular', 'steps'],
] as const) as ReadonlyMap<string, 'mounts' | 'steps'>;
