import type { CallOptions } from '../base/options.ts';
import type { Http } from '../http/types.ts';
import { buildError } from './errors.ts';
import type { Step } from './graph.ts';
import type { Fetched } from './remote/fetch-remotes.ts';
import type { RemoteSource } from './remote/remote-source.ts';
import { type CopySelection, selectedSources, selectFromContext, selectFromImage } from './select-copy.ts';
import { type MountSelection, selectMounts } from './step-mounts.ts';
import { known, type OpenedContext, type StepRun, type StepState, type StepTools } from './step-run.ts';

/** The files that the mounts of a RUN show, looked up and not copied yet; undefined if the step has none. @throws what reading their places throws */
export async function selectRunMounts(
  step: Step,
  inputs: readonly StepState[],
  run: StepRun,
  o: CallOptions,
): Promise<MountSelection | undefined> {
  const { op } = step;
  if (op.kind !== 'run' || op.mounts === undefined) return undefined;
  const contextOfPlace = (name: string | undefined) => contextOf(name, run.tools);
  const viewOf = (id: string) => {
    const from = known(inputs.find(({ step: each }) => each.id === id));
    return { name: sourceName(from.step), view: from.view() };
  };
  const selected = await selectMounts(op.mounts, { contextOf: contextOfPlace, viewOf }, o);
  if (selected?.fromContext !== undefined)
    run.emit({ kind: 'context', step: step.id, ...selected.fromContext });
  return selected;
}

function sourceName({ op, stage }: Step): string {
  return op.kind === 'base' ? op.name : `stage ${stage.name}`;
}

/** The files that a COPY or ADD takes, remote ones fetched; undefined for other steps. @throws COPY_…, and what fetching throws */
export async function selectCopy(
  step: Step,
  inputs: readonly StepState[],
  run: StepRun,
  o: CallOptions,
): Promise<CopySelection | undefined> {
  const { op } = step;
  if (op.kind !== 'copy') return undefined;
  const place = op.from;
  if (place.kind === 'step') {
    const from = known(inputs.find(({ step: each }) => each.id === place.step));
    return selectFromImage(op, await from.view(), sourceName(from.step));
  }
  const { tools } = run;
  const { context, ignoreName } = contextOf(place.name, tools);
  const local = await selectFromContext(op, context, ignoreName, o);
  const fetched = op.remotes === undefined ? undefined : await fetchFor(op.remotes, run, o);
  const copy: CopySelection = { ...local, fetched };
  if (copy.kind === 'context') {
    const nodes = selectedSources(copy).flatMap(({ files }) => files.map(({ node }) => node));
    const files = nodes.filter(({ kind }) => kind !== 'directory').length;
    const bytes = nodes.reduce((sum, { size }) => sum + size, 0);
    run.emit({ kind: 'context', step: step.id, files, bytes, ignored: copy.selection.ignored });
  }
  return copy;
}

async function fetchFor(
  remotes: readonly RemoteSource[],
  { tools, working: writing }: StepRun,
  o: CallOptions,
): Promise<readonly Fetched[]> {
  const { store, useCache, now, gitEnv = {} } = tools;
  const secrets = tools.secrets?.secrets;
  const git = { env: gitEnv, secrets };
  const http = tools.http ?? noNetwork;
  const { fetchRemotes } = await import('./remote/fetch-remotes.ts');
  return fetchRemotes(remotes, { store, useCache, now, http, git, secrets, writing }, o);
}

async function noNetwork(): Promise<Http> {
  throw buildError('BUILD_NO_NETWORK', {});
}

function contextOf(name: string | undefined, tools: StepTools): OpenedContext {
  return name === undefined ? tools : known(tools.contexts?.get(name));
}
