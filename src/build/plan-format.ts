import { never } from '../base/errors.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { BuildGraph, Op, RunMount, SourcePlace, Step } from './graph.ts';

/** The plan as text, for `build --plan` and golden tests: a step a line, what it does indented below. Ends with a line end. */
export function formatPlan(graph: BuildGraph): string {
  const lines: string[] = [];
  for (const step of graph.steps) {
    const reads = step.inputs.filter((input) => input !== step.parent);
    const upon = step.parent === undefined ? '' : ` on ${step.parent}`;
    const beside = reads.length === 0 ? '' : ` reads ${reads.join(', ')}`;
    lines.push(`${step.id}${upon}${beside}  ${bracket(step)} ${firstLine(step.text)}`);
    lines.push(...detailsOf(step.op).map((detail) => `    ${detail}`));
    if (step.createdBy !== undefined) lines.push(`    history: ${JSON.stringify(step.createdBy)}`);
  }
  for (const { message, range } of graph.warnings ?? [])
    lines.push(`warning: line ${range.start.line}: ${message}`);
  lines.push(`output: ${graph.output} for ${formatPlatform(graph.platform)}`);
  return `${lines.join('\n')}\n`;
}

function bracket({ stage, implied }: Step): string {
  return implied ? `[${stage.name} +]` : `[${stage.name} ${stage.step}/${stage.steps}]`;
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : `${text.slice(0, end)} …`;
}

function detailsOf(op: Op): string[] {
  switch (op.kind) {
    case 'scratch':
      return ['empty'];
    case 'base':
      return [`image: ${op.name}, ${formatPlatform(op.platform)}`];
    case 'config':
      return [
        ...Object.entries(op.config).map(([key, value]) =>
          value === undefined ? `config: no ${key}` : `config: ${key} = ${JSON.stringify(value)}`,
        ),
        ...(op.author === undefined ? [] : [`author: ${op.author}`]),
      ];
    case 'note':
      return [];
    case 'workdir':
      return [`directory: ${op.path}${op.user === '' ? '' : `, owner ${op.user}`}`];
    case 'copy':
      return [
        `from: ${placeText(op.from)}`,
        ...op.sources.map((source) => `source: ${source}`),
        ...(op.remotes ?? []).map((remote) =>
          remote.kind === 'url' ? `fetched: ${remote.url}` : `git: ${remote.remote} ${remote.ref ?? 'HEAD'}`,
        ),
        ...(op.exclude ?? []).map((pattern) => `without: ${pattern}`),
        ...op.inline.map(({ name, text }) => `inline: ${name} = ${JSON.stringify(text)}`),
        `to: ${op.dest}${op.parents === true ? ', with the folders on the way' : ''}${op.link === true ? ', apart from the image below' : ''}`,
        ...(op.chown === undefined ? [] : [`owner: ${op.chown}`]),
        ...(op.chmod === undefined ? [] : [`mode: ${op.chmod}`]),
      ];
    case 'run':
      return [
        `args: ${JSON.stringify(op.args)}`,
        ...op.env.map((entry) => `env: ${entry}`),
        ...op.secretEnv.map((entry) => `proxy: ${entry.slice(0, entry.indexOf('='))}`),
        `cwd: ${op.cwd}${op.user === '' ? '' : `, user ${op.user}`}, network ${op.network}${op.insecure ? ', insecure' : ''}${op.hostname === undefined ? '' : `, host ${op.hostname}`}`,
        ...(op.mounts ?? []).map((mount) => `mount: ${mountText(mount)}`),
      ];
    default:
      return never(op);
  }
}

function mountText(mount: RunMount): string {
  const { kind, target } = mount;
  switch (kind) {
    case 'bind': {
      const { from, source, readOnly } = mount;
      return `bind ${placeText(from)} ${source} at ${target}${readOnly ? '' : ', writes are thrown away'}`;
    }
    case 'cache': {
      const { id, sharing, seed, readOnly } = mount;
      const start = seed === undefined ? '' : `, starts as ${placeText(seed.from)} ${seed.source}`;
      return `cache ${id} (${sharing}) at ${target}${readOnly ? ', read-only' : ''}${start}`;
    }
    case 'tmpfs':
      return `tmpfs at ${target}${mount.size === undefined ? '' : `, ${mount.size} bytes`}`;
    case 'secret': {
      const places = [
        ...(target === undefined ? [] : [`at ${target}`]),
        ...(mount.env ? [`as $${mount.env}`] : []),
      ];
      return `secret ${mount.id} ${places.join(' and ')}${mount.required ? ', required' : ''}`;
    }
    case 'ssh':
      return `ssh ${mount.id} at ${target}${mount.required ? ', required' : ''}`;
    case 'script':
      return `script at ${target} = ${JSON.stringify(mount.text)}`;
    default:
      return never(kind);
  }
}

const placeText = (place: SourcePlace): string =>
  place.kind === 'step' ? place.step : place.name === undefined ? 'the context' : `the context ${place.name}`;
