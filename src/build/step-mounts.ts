/**
 * The mounts of a RUN between plan and process: what their sources are is found before the step's key is known, what secrets and agents
 * hold only when it runs.
 */
import { createHash } from 'node:crypto';
import { never } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { matchGlob } from '../dockerfile/glob.ts';
import type { StagedFile } from '../rootfs/types.ts';
import type { MountSource, RunMount as RuntimeMount } from '../runtime/types.ts';
import type { DiskNode } from './context/disk-source.ts';
import type { Context } from './context/open-context.ts';
import { describeMissing, type SelectedSource, selectFiles } from './context/select-files.ts';
import { createTreeSource } from './copy/tree-source.ts';
import { buildError } from './errors.ts';
import { type FileFacts, fileFacts } from './file-facts.ts';
import type { RunMount, SourcePlace, Step } from './graph.ts';
import type { ImageView } from './image-view.ts';

/** What the person gives to steps and no step may keep. */
export interface StepSecrets {
  /** Values by id. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
  /** Sockets of ssh agents by id. */
  readonly agents: ReadonlyMap<string, string>;
}

export interface MountTools {
  /** The build's own context, or a named one, and what its ignore file is called. */
  readonly contextOf: (name: string | undefined) => {
    readonly context: Context | undefined;
    readonly ignoreName: string;
  };
  /** The files of a step's image, and what to call it. */
  readonly viewOf: (step: string) => { readonly name: string; readonly view: Promise<ImageView> };
}

/** The sources of a step's mounts, by their place in the op. */
export interface MountSelection {
  /** What the bind mounts show: part of the key. Undefined if there is none. */
  readonly facts: FileFacts | undefined;
  readonly sources: ReadonlyMap<RunMount, MountSource>;
  /** Files and bytes that come from the context. */
  readonly fromContext:
    | { readonly files: number; readonly bytes: number; readonly ignored: number }
    | undefined;
}

/** What a mount is called in errors. */
const INSTRUCTION = 'RUN --mount';

/** Finds what the mounts of a RUN read; undefined if they read nothing. @throws BUILD_NO_CONTEXT, BUILD_NOT_IN_CONTEXT, BUILD_NOT_IN_SOURCE */
export async function selectMounts(
  mounts: readonly RunMount[],
  tools: MountTools,
  o: CallOptions = {},
): Promise<MountSelection | undefined> {
  const sources = new Map<RunMount, MountSource>();
  const shown: (readonly [target: string, facts: FileFacts])[] = [];
  let fromContext: MountSelection['fromContext'];
  for (const mount of mounts) {
    const wanted = mount.kind === 'bind' ? mount : mount.kind === 'cache' ? mount.seed : undefined;
    if (wanted === undefined) continue;
    const { source, facts, counts } = await selectSource(wanted.from, wanted.source, tools, o);
    sources.set(mount, source);
    // What a cache starts with is no more part of the key than what it holds.
    if (mount.kind === 'bind') shown.push([mount.target, facts]);
    if (counts !== undefined) {
      fromContext = {
        files: (fromContext?.files ?? 0) + counts.files,
        bytes: (fromContext?.bytes ?? 0) + counts.bytes,
        ignored: Math.max(fromContext?.ignored ?? 0, counts.ignored),
      };
    }
  }
  return sources.size === 0 ? undefined : { sources, facts: joinFacts(shown), fromContext };
}

interface SelectedMount {
  readonly source: MountSource;
  readonly facts: FileFacts;
  readonly counts?: NonNullable<MountSelection['fromContext']>;
}

async function selectSource(
  from: SourcePlace,
  path: string,
  tools: MountTools,
  o: CallOptions,
): Promise<SelectedMount> {
  // A path, not a pattern.
  const pattern = path.replace(/[*?[\]\\]/g, '\\$&');
  if (from.kind === 'step') {
    const { name, view: opening } = tools.viewOf(from.step);
    const view = await opening;
    const place = createTreeSource(view.tree);
    const { sources, missing } = selectFiles(place, [pattern], matchGlob);
    if (missing !== undefined || sources.length === 0) {
      const { near } = describeMissing(place, path.slice(1));
      const facts = { instruction: INSTRUCTION, path, from: name, near: near && `/${near}` };
      throw buildError('BUILD_NOT_IN_SOURCE', facts);
    }
    const layers = view.image.layers.map(({ blob, diffId }) => ({ blob, diffId }));
    return { source: { kind: 'layers', layers, path }, facts: fileFacts(sources, { owners: true }) };
  }
  const { context, ignoreName } = tools.contextOf(from.name);
  if (context === undefined) throw buildError('BUILD_NO_CONTEXT', { instruction: INSTRUCTION });
  const listed = await context.list([pattern], o);
  const { missing } = listed;
  if (missing !== undefined || listed.sources.length === 0) {
    const { near, broken } = missing ?? {};
    const ignored = missing?.ignored && { file: ignoreName, ...missing.ignored };
    const facts = { instruction: INSTRUCTION, path: path.slice(1), near, broken, ignored };
    throw buildError('BUILD_NOT_IN_CONTEXT', facts);
  }
  const { sources, ignored } = await context.hash(listed, o);
  const facts = fileFacts(sources, { owners: true });
  const files = stagedFiles(sources[0]!, context.folder);
  const counts = {
    files: files.filter(({ kind }) => kind !== 'directory').length,
    bytes: files.reduce((sum, { stamp }) => sum + (stamp?.size ?? 0), 0),
    ignored,
  };
  return { source: { kind: 'files', digest: facts.digest, files }, facts, counts };
}

function stagedFiles({ files }: SelectedSource<DiskNode>, folder: string): readonly StagedFile[] {
  return files.flatMap(({ name, from, node }): StagedFile[] => {
    const { kind, mode, mtime, linkTo, ino, size, mtimeNs, ctimeNs } = node;
    switch (kind) {
      case 'directory':
      case 'symlink':
      case 'fifo':
        return [{ name, kind, mode, mtime, linkTo }];
      case 'file': {
        const stamp = { ino, size, mtimeNs, ctimeNs };
        return [{ name, kind, mode, mtime, from: `${folder}/${from}`, stamp }];
      }
      // Nothing that a step could read: a server's address, a device of this machine.
      case 'socket':
      case 'character':
      case 'block':
        return [];
      default:
        return never(kind);
    }
  });
}

/** The facts of several mounts as one. */
function joinFacts(shown: readonly (readonly [target: string, facts: FileFacts])[]): FileFacts | undefined {
  if (shown.length === 0) return undefined;
  const text = JSON.stringify(shown.map(([target, { digest }]) => [target, digest]));
  return {
    digest: createHash('sha256').update(text).digest('hex'),
    lines: () => shown.flatMap(([, facts]) => facts.lines()),
  };
}

/** What the keeper is given: mounts and variables of the process. */
export interface ResolvedMounts {
  readonly mounts: readonly RuntimeMount[];
  readonly env: readonly string[];
  /** Variables whose values must not be on a disk. */
  readonly secretEnv: readonly string[];
}

const SCRIPT_MODE = 0o755;

/** The mounts as they are made; optional ones that were not given are left out. `selection` is that of `selectMounts`. */
export function resolveMounts(
  mounts: readonly RunMount[],
  selection: MountSelection | undefined,
  { secrets, agents }: StepSecrets,
): ResolvedMounts {
  const env: string[] = [];
  const secretEnv: string[] = [];
  const sourceOf = (mount: RunMount): MountSource => {
    const source = selection?.sources.get(mount);
    if (source === undefined) throw new TypeError(`nothing was selected for the mount at ${mount.target}`);
    return source;
  };
  const resolveOne = (mount: RunMount): RuntimeMount[] => {
    switch (mount.kind) {
      case 'bind': {
        const { target, readOnly } = mount;
        return [{ kind: 'bind', target, readOnly, source: sourceOf(mount) }];
      }
      case 'cache': {
        const { seed, ...rest } = mount;
        return [seed === undefined ? rest : { ...rest, seed: sourceOf(mount) }];
      }
      case 'tmpfs':
        return [mount];
      case 'script': {
        const { target, text } = mount;
        return [{ kind: 'file', target, bytes: Buffer.from(text), mode: SCRIPT_MODE, uid: 0, gid: 0 }];
      }
      case 'secret': {
        const { id, target, mode, uid, gid } = mount;
        const bytes = secrets.get(id);
        if (bytes === undefined) return [];
        if (mount.env !== undefined) secretEnv.push(`${mount.env}=${Buffer.from(bytes).toString('utf8')}`);
        return target === undefined ? [] : [{ kind: 'file', secret: true, target, bytes, mode, uid, gid }];
      }
      case 'ssh': {
        const { target, mode, uid, gid } = mount;
        const socket = agents.get(mount.id);
        if (socket === undefined) return [];
        if (env.length === 0) env.push(`SSH_AUTH_SOCK=${target}`);
        return [{ kind: 'agent', target, socket, mode, uid, gid }];
      }
      default:
        return never(mount);
    }
  };
  return { mounts: mounts.flatMap(resolveOne), env, secretEnv };
}

/** The first step that requires a secret or an agent that was not given, with the error for it. */
export function findMissingSecret(
  steps: readonly Step[],
  { secrets, agents }: StepSecrets,
): { readonly step: Step; readonly error: Error } | undefined {
  for (const step of steps) {
    if (step.op.kind !== 'run') continue;
    for (const mount of step.op.mounts ?? []) {
      if (mount.kind === 'secret' && mount.required && !secrets.has(mount.id)) {
        return { step, error: buildError('BUILD_SECRET_MISSING', { id: mount.id }) };
      }
      if (mount.kind === 'ssh' && mount.required && !agents.has(mount.id)) {
        return { step, error: buildError('BUILD_SSH_MISSING', { id: mount.id }) };
      }
    }
  }
  return undefined;
}
