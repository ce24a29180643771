import { type CachePruning, pruneBuildCache } from '../../app/prune.ts';
import { readMoment } from '../../app/read-moment.ts';
import { safeText } from '../build-view/safe-text.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, listOption, type OptionValues, textOption } from '../spec.ts';
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
      summary: 'only what fits: until=24h, id=ID, type=exec.cachemount, type=regular',
      repeat: true,
    },
    {
      flags: '--max-used-space <size>',
      summary: 'leave so much, such as 10GB; what was not used for longest goes',
    },
    { flags: '--keep-storage <size>', summary: 'the older name of --max-used-space' },
    { flags: '-a, --all', summary: 'accepted for scripts; the whole cache goes in any case' },
  ],
  examples: [
    'dobos builder prune',
    'dobos builder prune --filter type=exec.cachemount',
    'dobos builder prune --filter id=/root/.cache',
    'dobos builder prune --filter until=24h --max-used-space 10GB',
    'dobos system df',
  ],
  async run({ app, terminal, options }) {
    const { removed, bytes } = await pruneBuildCache(app, {
      ...readFilters(listOption(options, 'filter'), app.settings.now()),
      maxBytes: readSizes(options),
    });
    const shown = removed.map((id) => `${/^[0-9a-f]{64}$/.test(id) ? shortId(id) : safeText(id)}\n`);
    if (removed.length > 0) await terminal.out(`Deleted build cache:\n${shown.join('')}\n`);
    await terminal.out(`Total reclaimed space: ${formatDockerSize(bytes)}\n`);
    return 0;
  },
};

/** @throws CLI_USAGE */
function readFilters(filters: readonly string[], now: number): CachePruning {
  const ids: string[] = [];
  let only: CachePruning['only'];
  let olderThan: number | undefined;
  for (const filter of filters) {
    const [, key, value = ''] = /^(\w+)=(.+)$/.exec(filter) ?? [];
    const since = key === 'until' ? readMoment(value, now) : undefined;
    if (since !== undefined) olderThan = since;
    else if (key === 'id') ids.push(value);
    else if (key === 'type' && TYPES.has(value)) only = TYPES.get(value);
    else {
      const problem = `--filter ${filter} is unknown, want until=24h, id=ID, type=exec.cachemount or type=regular`;
      throw cliError('CLI_USAGE', { command: 'builder prune', problem });
    }
  }
  return { ids: ids.length === 0 ? undefined : ids, only, olderThan };
}

/** The bytes that may stay; docker's older and newer names of the option. @throws CLI_USAGE */
function readSizes(options: OptionValues): number | undefined {
  const text = textOption(options, 'maxUsedSpace') ?? textOption(options, 'keepStorage');
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text) ?? [];
  if (count === undefined) {
    const problem = `"${text}" is no size, want a number with B, KB, MB, GB or TB`;
    throw cliError('CLI_USAGE', { command: 'builder prune', problem });
  }
  return Math.round(Number(count) * 1000 ** ' kmgt'.indexOf(unit.toLowerCase() || ' '));
}

const TYPES = new Map([
  ['exec.cachemount', 'mounts'],
  ['regular', 'steps'],
] as const) as ReadonlyMap<string, 'mounts' | 'steps'>;
