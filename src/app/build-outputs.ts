/**
 * Where a build's result goes: `--output` in docker's words (build.md a.11).
 * @module
 */

import { commaFields, keyValues } from '../base/comma-fields.ts';
import { errorMaker } from '../base/errors.ts';
import { suggest } from '../dockerfile/suggest.ts';
import { fullName } from './image-names.ts';

export type BuildOutput =
  /** The files of the image, in a folder. */
  | { readonly kind: 'local'; readonly dest: string; readonly split: boolean }
  /** The files of the image, as one tar; `-` is standard output, here and below. */
  | { readonly kind: 'tar'; readonly dest: string; readonly split: boolean }
  | {
      readonly kind: 'oci';
      readonly dest: string;
      /** False: a folder. */
      readonly tar: boolean;
      readonly names: readonly string[];
      readonly compression: 'gzip' | 'zstd' | 'none' | undefined;
      readonly level: number | undefined;
    }
  | { readonly kind: 'docker'; readonly dest: string; readonly names: readonly string[] }
  /** In the store, under these names too, and pushed by them. */
  | { readonly kind: 'image'; readonly names: readonly string[]; readonly push?: OutputPush | undefined }
  /** Nowhere but in the cache. */
  | { readonly kind: 'cacheonly' };

/** How an image is pushed. */
export interface OutputPush {
  readonly compression: 'gzip' | 'zstd' | 'none' | undefined;
  readonly level: number | undefined;
  /** Layers that are compressed already, otherwise: anew. */
  readonly force: boolean;
  /** No tag is set. */
  readonly byDigest: boolean;
}

type OutputErrors = {
  OUTPUT_INVALID: { text: string; problem: string; nearest?: string | undefined };
  OUTPUT_LATER: { text: string; what: string };
  OUTPUT_PUSH_NAME: Record<string, never>;
};
export const outputError = errorMaker<OutputErrors>({
  OUTPUT_INVALID: ({ text, problem, nearest }) => ({
    message: `--output ${text}: ${problem}`,
    hint:
      nearest === undefined
        ? 'for example: -o out, -o - (a tar of the files), -o type=oci,dest=image.tar'
        : `did you mean ${nearest}?`,
  }),
  OUTPUT_LATER: ({ text, what }) => ({
    message: `--output ${text}: ${what} is not part of this version yet`,
    hint: 'name the image with -t; type=oci,dest=FILE writes a file that other tools read',
  }),
  OUTPUT_PUSH_NAME: () => ({
    message: 'a name is needed when pushing to a registry',
    hint: 'give it with -t HOST/NAME:TAG, or in -o type=registry,name=HOST/NAME:TAG',
  }),
});

const TYPES = ['local', 'tar', 'oci', 'docker', 'image', 'registry', 'cacheonly'];
const PUSH_KEYS = ['push-by-digest', 'compression', 'compression-level', 'force-compression'];
/** The keys of each type; those of the last row are docker's own affair and change nothing here. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  local: ['dest', 'platform-split', 'mode'],
  tar: ['dest', 'platform-split'],
  oci: ['dest', 'tar', 'name', 'compression', 'compression-level', 'force-compression'],
  docker: ['dest', 'name'],
  image: ['name', 'push', ...PUSH_KEYS],
  registry: ['name', 'push', ...PUSH_KEYS],
  cacheonly: [],
};
const IDLE_KEYS = ['oci-mediatypes', 'unpack', 'store', 'name-canonical', 'rewrite-timestamp', 'context'];

/** The outputs with what `--push` adds, in buildx's way: images among them are pushed, else the build's names are. */
export function withPush(outputs: readonly BuildOutput[], push: boolean): readonly BuildOutput[] {
  if (!push) return outputs;
  const plain: OutputPush = { compression: undefined, level: undefined, force: false, byDigest: false };
  return outputs.some(({ kind }) => kind === 'image')
    ? outputs.map((output) => (output.kind === 'image' ? { ...output, push: output.push ?? plain } : output))
    : [...outputs, { kind: 'image', names: [], push: plain }];
}

/** What one `--output` says: `DIR`, `-`, or `type=…,key=value…`. @throws OUTPUT_INVALID, OUTPUT_LATER, OCI_REFERENCE_INVALID */
export function parseOutput(text: string): BuildOutput {
  const invalid = (problem: string, nearest?: string) =>
    outputError('OUTPUT_INVALID', { text, problem, nearest });
  const fields = commaFields(text);
  if (fields === undefined) throw invalid('a quote is not closed');
  if (fields.length === 1 && !text.includes('=')) {
    if (text === '') throw invalid('it names nothing');
    return text === '-'
      ? { kind: 'tar', dest: '-', split: false }
      : { kind: 'local', dest: text, split: true };
  }
  const values = keyValues(fields, invalid);
  const type = values.get('type');
  if (type === undefined) throw invalid('type is required for output');
  if (!TYPES.includes(type))
    throw invalid(`unknown type ${JSON.stringify(type)}, want ${TYPES.join(', ')}`, suggestType(type));
  const known = KEYS[type]!;
  for (const key of values.keys()) {
    if (key === 'type' || known.includes(key) || IDLE_KEYS.includes(key)) continue;
    const near = suggest(key, known);
    throw invalid(`type=${type} knows no ${JSON.stringify(key)}`, near);
  }
  const dest = values.get('dest') ?? '';
  const names = (values.get('name') ?? '')
    .split(',')
    .filter((name) => name !== '')
    .map(fullName);
  const split = values.get('platform-split');
  switch (type) {
    case 'local':
      if (dest === '' || dest === '-') throw invalid('dest is required: the folder');
      if (values.get('mode') === 'delete') throw outputError('OUTPUT_LATER', { text, what: 'mode=delete' });
      return { kind: 'local', dest, split: split === undefined || isTrue(split) };
    case 'tar':
      return { kind: 'tar', dest: dest === '' ? '-' : dest, split: isTrue(split) };
    case 'oci': {
      const tar = values.get('tar') === undefined || isTrue(values.get('tar'));
      if (!tar && (dest === '' || dest === '-')) throw invalid('dest is required with tar=false: the folder');
      return {
        kind: 'oci',
        dest: dest === '' ? '-' : dest,
        tar,
        names,
        compression: compressionOf(values.get('compression')),
        level: levelOf(values.get('compression-level')),
      };
    }
    case 'docker':
      return dest === '' ? { kind: 'image', names } : { kind: 'docker', dest, names };
    case 'image':
    case 'registry':
      return { kind: 'image', names, push: pushOf() };
    default:
      return { kind: 'cacheonly' };
  }

  function pushOf(): OutputPush | undefined {
    const byDigest = isTrue(values.get('push-by-digest'));
    const said = values.get('push');
    if (!byDigest && !(said === undefined ? type === 'registry' : isTrue(said))) return undefined;
    return {
      compression: compressionOf(values.get('compression')),
      level: levelOf(values.get('compression-level')),
      force: isTrue(values.get('force-compression')),
      byDigest,
    };
  }

  function levelOf(level: string | undefined): number | undefined {
    if (level === undefined) return undefined;
    if (/^\d{1,2}$/.test(level)) return Number(level);
    throw invalid(`compression-level is ${JSON.stringify(level)}, want a number`);
  }

  function compressionOf(word: string | undefined): 'gzip' | 'zstd' | 'none' | undefined {
    if (word === undefined) return undefined;
    if (word === 'uncompressed') return 'none';
    if (word === 'gzip' || word === 'zstd') return word;
    if (word === 'estargz') throw outputError('OUTPUT_LATER', { text, what: 'compression=estargz' });
    const want = ['uncompressed', 'gzip', 'zstd'];
    throw invalid(
      `unknown compression ${JSON.stringify(word)}, want ${want.join(', ')}`,
      suggest(word, want),
    );
  }
}

const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1';

function suggestType(type: string): string | undefined {
  const near = suggest(type, TYPES) ?? (type === 'dir' || type === 'folder' ? 'local' : undefined);
  return near === undefined ? undefined : `type=${near}`;
}
