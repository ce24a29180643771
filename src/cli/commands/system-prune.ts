import { removeBuilds } from '../../app/build-records.ts';
import { pruneBuildCache, pruneImages } from '../../app/prune.ts';
import { pruneVolumes } from '../../app/volumes.ts';
import { type CommandSpec, flagOption } from '../spec.ts';
import { formatDockerSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'system prune',
  aliases: [],
  summary: 'Remove images without a name, the build cache, records of builds and what interrupted pulls left',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '--keep-cache', summary: 'leave the build cache', common: true },
    { flags: '--volumes', summary: 'volumes without a name that no container uses too' },
    { flags: '-f, --force', summary: 'accepted for scripts; nothing is asked here' },
  ],
  examples: ['dobos system prune', 'dobos system prune --keep-cache', 'dobos system df'],
  async run({ app, terminal, options }) {
    const builds = await removeBuilds(app, 'all');
    const images = await pruneImages(app, { partials: true });
    const cache = flagOption(options, 'keepCache') ? { removed: [], bytes: 0 } : await pruneBuildCache(app);
    const volumes = flagOption(options, 'volumes')
      ? await pruneVolumes(app, { all: false })
      : { removed: [], bytes: 0 };
    await terminal.out(
      `Images removed: ${images.removed.length}\nBuild cache steps removed: ${cache.removed.length}\n` +
        `Build records removed: ${builds.removed.length}\n` +
        (flagOption(options, 'volumes') ? `Volumes removed: ${volumes.removed.length}\n` : '') +
        `Total reclaimed space: ${formatDockerSize(builds.bytes + images.bytes + cache.bytes + volumes.bytes)}\n`,
    );
    return 0;
  },
};
