/**
 * Keys of the step cache, with their parts kept so that a miss can be explained.
 *
 * Each step has two digests, because an image is two things:
 *
 * - `files` names the state of the file system after the step. Only base, RUN, COPY, ADD and WORKDIR change it; for all
 *   other steps it is the parent's. A RUN's or COPY's `files` chains on the parent's `files`, so a LABEL or CMD above
 *   leaves it alone, and what ENV, USER, WORKDIR or SHELL above mean to a RUN comes in through its own arguments, Env, cwd and user.
 * - `digest` names the whole image after the step, configuration and history included; it chains on the parent's `digest`.
 *
 * So the cache is asked twice. A note under `digest` gives the image itself. Else a note under `files` gives the layer (or
 * "no layer") that the step adds, and the image is sealed anew from the parent's image and that layer: a LABEL changed
 * at the top of a file costs documents, not runs.
 *
 * Stage COPY --from is keyed by the content that it reads, never by the key of the stage it reads from: a stage
 * rebuilt to the same bytes does not disturb those who copy from it (spec build.md c.1).
 * @module
 */
import { sha256 } from '../base/bytes.ts';
import { never } from '../base/errors.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Digest, Platform } from '../oci/types.ts';
import type { Op, RunMount, Step } from './graph.ts';
import { isSecretName } from './plan-secret-names.ts';

export type KeyPartName =
  | 'instruction'
  | 'base'
  | 'platform'
  | 'arg'
  | 'env'
  | 'cwd'
  | 'user'
  | 'network'
  | 'mount'
  | 'file'
  | 'epoch'
  | 'parent';

/** One thing that a key depends on; `key` is the name of the ARG or ENV or the path of the file. */
export interface KeyPart {
  readonly name: KeyPartName;
  readonly key?: string | undefined;
  /** Short text as it is, long text shortened with a digest, the digest alone where the name looks like a secret's. */
  readonly value: string;
}

export interface StepKey {
  /** Of the image after this step. */
  readonly digest: Digest;
  /** Of the file system after this step; the parent's if the step leaves it alone. */
  readonly files: Digest;
  /** Of the layer alone, where nothing below decides it (COPY --link): its result fits any image. */
  readonly layer?: Digest | undefined;
  /** Plain data, fit for JSON. */
  readonly parts: readonly KeyPart[];
}

/** One file that a COPY reads: `digest` covers content and whatever metadata goes into the layer, mtime left out. */
export interface FileFact {
  readonly path: string;
  readonly digest: string;
}

/** What the step itself does not say. */
export interface KeyFacts {
  /** COPY and ADD: everything selected (heredocs left out: they are in the step), in any order. */
  readonly files?: readonly FileFact[] | undefined;
  /** A base: the digest of its manifest, and the chainId of its layers. */
  readonly base?: { readonly manifest: Digest; readonly chain: Digest } | undefined;
  /** SOURCE_DATE_EPOCH in seconds: it clamps the times of files and dates the history. */
  readonly epoch?: number | undefined;
}

/** File parts kept in a key; more are one part together (20,000 are about 1.5 MB of JSON). */
export const MAX_FILE_PARTS = 20_000;
/** Values longer than this are kept shortened, in UTF-16 units. */
const MAX_VALUE = 200;

/** The key of a step. `inputs` are the keys of `step.inputs` in that order, the parent first. Cost: one hash over the facts. */
export function stepKey(step: Step, inputs: readonly StepKey[], facts: KeyFacts = {}): StepKey {
  const parent = step.parent === undefined ? undefined : inputs[0];
  const own = filesFacts(step.op, facts);
  const layer = step.op.kind === 'copy' && step.op.link === true ? hashOf(['layer', own]) : undefined;
  const files =
    own === undefined
      ? (parent?.files ?? hashOf(['nothing']))
      : hashOf(['files', parent?.files ?? '', layer ?? own]);
  const digest = hashOf([
    'image',
    parent?.digest ?? '',
    files,
    step.createdBy ?? null,
    configFacts(step.op, facts),
    // The epoch dates the history entry of every step.
    facts.epoch ?? null,
  ]);
  const parts = partsOf(step, layer === undefined ? parent : undefined, facts);
  return layer === undefined ? { digest, files, parts } : { digest, files, layer, parts };
}

/** What decides the files that a step makes, apart from the parent's; undefined if it makes none. */
function filesFacts(op: Op, facts: KeyFacts): unknown {
  switch (op.kind) {
    case 'scratch':
      return ['scratch', platformText(op.platform)];
    case 'base':
      return ['base', facts.base?.chain ?? op.name, platformText(op.platform)];
    case 'workdir':
      return ['workdir', op.path, op.user, facts.epoch ?? null];
    case 'run':
      return [
        ...['run', op.args, op.env, op.cwd, op.user, op.network, facts.epoch ?? null],
        ...(op.insecure ? ['insecure'] : []),
        ...(op.hostname === undefined ? [] : [['hostname', op.hostname]]),
        ...(op.mounts ?? []).map(mountFacts),
        // What bind mounts show, all together.
        ...(facts.files === undefined ? [] : [listDigest(facts.files)]),
      ];
    case 'copy':
      return [
        'copy',
        op.instruction,
        // The place is not a fact: the same bytes from the context or from a stage make the same layer but for owners,
        // which the digests of the files cover.
        op.sources,
        op.inline.map((file) => [file.name, file.text]),
        op.dest,
        op.chown ?? null,
        op.chmod ?? null,
        op.unpack ?? null,
        listDigest(facts.files ?? []),
        facts.epoch ?? null,
      ];
    case 'config':
    case 'note':
      return undefined;
    default:
      return never(op);
  }
}

/** What of a mount decides the step: what a cache, a secret or an agent holds does not (spec build.md c.1). */
function mountFacts(mount: RunMount): unknown {
  const { kind, target } = mount;
  switch (kind) {
    case 'bind':
    case 'cache':
      return [kind, target, mount.readOnly];
    case 'tmpfs':
      return [kind, target];
    case 'secret':
      return [kind, target ?? null, mount.id, mount.env ?? null, mount.mode, mount.uid, mount.gid];
    case 'ssh':
      return [kind, target, mount.mode, mount.uid, mount.gid];
    case 'script':
      return [kind, target, mount.text];
    default:
      return never(kind);
  }
}

/** What a step changes in the image beside files. */
function configFacts(op: Op, facts: KeyFacts): unknown {
  switch (op.kind) {
    case 'base':
      return facts.base?.manifest ?? op.name;
    case 'config':
      // A removed key is undefined in the value, and null here.
      return [
        Object.entries(op.config)
          .map(([key, value]) => [key, value ?? null])
          .sort(([a], [b]) => compare(String(a), String(b))),
        op.author ?? null,
      ];
    case 'workdir':
      return op.path;
    case 'scratch':
    case 'note':
    case 'run':
    case 'copy':
      return null;
    default:
      return never(op);
  }
}

function partsOf(step: Step, parent: StepKey | undefined, facts: KeyFacts): KeyPart[] {
  const op = step.op;
  const parts: KeyPart[] = [{ name: 'instruction', value: shorten(instructionText(step)) }];
  if (op.kind === 'base') {
    parts.push({ name: 'base', value: facts.base?.manifest ?? op.name });
    parts.push({ name: 'platform', value: platformText(op.platform) });
  }
  if (op.kind === 'run') {
    const args = new Set(op.argNames ?? []);
    for (const entry of op.env) {
      const cut = entry.indexOf('=');
      const key = entry.slice(0, cut);
      parts.push({ name: args.has(key) ? 'arg' : 'env', key, value: safeValue(key, entry.slice(cut + 1)) });
    }
    parts.push({ name: 'cwd', value: op.cwd }, { name: 'user', value: op.user });
    parts.push({ name: 'network', value: op.network });
    for (const mount of op.mounts ?? []) {
      if (mount.kind === 'script') continue;
      const key = mount.kind === 'secret' ? (mount.target ?? mount.id) : mount.target;
      parts.push({ name: 'mount', key, value: shorten(JSON.stringify(mountFacts(mount))) });
    }
    parts.push(...fileParts(facts.files ?? []));
  }
  if (op.kind === 'workdir') parts.push({ name: 'user', value: op.user });
  if (op.kind === 'copy') {
    for (const file of op.inline)
      parts.push({ name: 'file', key: `<<${file.name}`, value: brief(sha256(file.text)) });
    parts.push(...fileParts(facts.files ?? []));
  }
  if (facts.epoch !== undefined && op.kind !== 'base' && op.kind !== 'scratch') {
    parts.push({ name: 'epoch', value: String(facts.epoch) });
  }
  if (parent !== undefined) parts.push({ name: 'parent', value: brief(parent.files) });
  return parts;
}

/** The step as its author wrote it, so far as it decides the key; ARG values of a RUN are parts of their own. */
function instructionText(step: Step): string {
  if (step.op.kind !== 'run') return step.createdBy ?? step.text;
  const scripts = (step.op.mounts ?? []).flatMap((mount) => (mount.kind === 'script' ? mount.text : []));
  return `RUN ${[...step.op.args, ...scripts].join(' ')}`;
}

function fileParts(files: readonly FileFact[]): KeyPart[] {
  const sorted = [...files].sort((a, b) => compare(a.path, b.path));
  const parts: KeyPart[] = [];
  for (const { path, digest } of sorted.slice(0, MAX_FILE_PARTS)) {
    parts.push({ name: 'file', key: path, value: brief(digest) });
  }
  if (sorted.length > MAX_FILE_PARTS) {
    parts.push({ name: 'file', value: brief(listDigest(sorted.slice(MAX_FILE_PARTS))) });
  }
  return parts;
}

function listDigest(files: readonly FileFact[]): string {
  const lines = files.map(({ path, digest }) => `${JSON.stringify(path)} ${digest}\n`);
  return sha256(lines.sort(compare).join(''));
}

function safeValue(key: string, value: string): string {
  return isSecretName(key) ? brief(sha256(value)) : shorten(value);
}

function shorten(text: string): string {
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}… (${brief(sha256(text))})`;
}

/** Enough of a digest to tell two apart in an explanation; never used to decide. */
function brief(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 16);
}

function platformText(platform: Platform | undefined): string {
  return platform === undefined ? '' : formatPlatform(platform);
}

/** By UTF-16 units: the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hashOf(value: readonly unknown[]): Digest {
  return sha256(JSON.stringify(value));
}
