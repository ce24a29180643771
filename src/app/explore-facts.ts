import { readBounded, type Unbounded } from '../base/bounded-file.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { BuildRecord } from '../build/records/record.ts';
import { listRecords, readRecord } from '../build/records/record-files.ts';
import type { KnownImage } from '../explore/image-levels.ts';
import type { InstructionSource, SourceInstruction } from '../explore/instruction.ts';
import { dockerfileSource, stageInstructions } from '../explore/instruction-source.ts';
import { listImages } from '../image/list-images.ts';
import type { Digest } from '../oci/types.ts';
import type { App } from './app.ts';

type FactsErrors = { EXPLORE_DOCKERFILE: { path: string; why: string } };
const factsError = errorMaker<FactsErrors>({
  EXPLORE_DOCKERFILE: ({ path, why }) => ({
    message: `cannot read the Dockerfile ${path}: ${why}`,
    hint: 'it is only read to name the lines that made the layers; leave -f out to do without',
  }),
});

/** Bytes of a Dockerfile that are read. */
const MAX_DOCKERFILE_BYTES = 4 * 1024 * 1024;

/** The named images of the store, as what another image may stand on. What cannot be read is left out. */
export async function knownImages(app: App, o: CallOptions): Promise<readonly KnownImage[]> {
  const store = await app.store();
  const known: KnownImage[] = [];
  const platform = app.settings.hostPlatform;
  const listed = listImages(store, { ...o, named: true, platform, orPresent: true });
  for await (const { names, target, id, image } of listed) {
    const { rootfs, history = [] } = image.config;
    const digests = [target.digest, image.descriptor.digest];
    known.push({ names, id, digests, diffIds: rootfs.diff_ids, history });
  }
  return known;
}

/** The instructions of the Dockerfile at a path. @throws EXPLORE_DOCKERFILE */
export function readInstructions(path: string, target?: string): InstructionSource {
  const fail = (why: string): Error => factsError('EXPLORE_DOCKERFILE', { path, why });
  let bytes: Buffer | Unbounded;
  try {
    bytes = readBounded(path, MAX_DOCKERFILE_BYTES);
  } catch (error) {
    throw fail(systemCode(error) === 'ENOENT' ? 'there is no such file' : String((error as Error).message));
  }
  if ('why' in bytes) throw fail(bytes.why);
  const source = dockerfileSource(path, bytes.toString('utf8'), target);
  if (source === undefined) throw fail(target === undefined ? 'it has no FROM' : `it has no stage ${target}`);
  return source;
}

/** The instructions that a build of this image noted; undefined if no record of one is kept. */
export async function recordedInstructions(app: App, id: Digest): Promise<InstructionSource | undefined> {
  const { folder } = await app.store();
  if (folder === undefined) return undefined;
  for (const file of listRecords(folder)) {
    const record = readRecord(file);
    if (record?.outcome?.kind === 'built' && record.outcome.imageId === id) return sourceOf(record);
  }
  return undefined;
}

function sourceOf({ steps, dockerfile, outcome }: BuildRecord): InstructionSource | undefined {
  const last = steps.findLast(
    ({ imageId }) => imageId !== undefined && outcome?.kind === 'built' && imageId === outcome.imageId,
  );
  const at = (last ?? steps.at(-1))?.stage.index;
  if (dockerfile === undefined || at === undefined) return undefined;
  const stages: { name: string | undefined; from: string; instructions: SourceInstruction[] }[] = [];
  for (const { stage, text, line, implied } of steps) {
    for (let i = stages.length; i <= Math.min(stage.index, steps.length); i++)
      stages.push({ name: undefined, from: '', instructions: [] });
    const into = stages[stage.index];
    const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
    if (into === undefined || implied) continue;
    into.name = stage.name.toLowerCase();
    if (keyword.toUpperCase() === 'FROM') into.from = rest.replace(/^(?:--\S+\s+)+/, '').split(/\s/)[0] ?? '';
    else into.instructions.push({ keyword: keyword.toUpperCase(), text: rest, line });
  }
  return { file: dockerfile.path, from: 'record', instructions: stageInstructions(stages, at) };
}
