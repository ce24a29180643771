import { sha256 } from '../../base/bytes.ts';
import type { BuildEvent } from '../../build/build-events.ts';
import type { BuildGraph } from '../../build/graph.ts';
import { type CheckedFile, formatFinding, lastLine, lineRange } from '../../lint/format-check.ts';
import type { Finding } from '../../lint/rule.ts';
import type { BuildView } from './plain-view.ts';
import { stepLabels } from './step-label.ts';

interface Vertex {
  readonly digest: string;
  readonly inputs: readonly string[];
  readonly name: string;
  started?: string;
  completed?: string;
  cached?: boolean;
  error?: string;
}

/** A line of JSON an event, in the words of buildx's `rawjson`: `vertexes`, `statuses` of pulled and pushed layers, `logs` with their bytes in base64, `warnings`. A vertex's digest names the step in this build only. */
export function createRawJsonView(write: (text: string) => void, now: () => number): BuildView {
  const vertexes = new Map<string, Vertex>();
  const time = (): string => new Date(now()).toISOString();
  const line = (value: object): void => write(`${JSON.stringify(value)}\n`);
  const plan = (graph: BuildGraph): void => {
    const labels = stepLabels(graph);
    const digest = (step: string): string => sha256(`${step}\n${labels.get(step)?.text ?? ''}`);
    for (const { id, inputs } of graph.steps) {
      const name = labels.get(id)?.text ?? id;
      vertexes.set(id, { digest: digest(id), inputs: inputs.map(digest), name });
    }
  };
  const change = (step: string, facts: Partial<Vertex>): void => {
    const vertex = vertexes.get(step);
    if (vertex === undefined) return;
    Object.assign(vertex, facts);
    line({ vertexes: [vertex] });
  };

  const moved = (id: string, name: string, current: number, total: number, isOver: boolean): void => {
    const timestamp = time();
    const ended = isOver ? { completed: timestamp } : {};
    line({ statuses: [{ id, name, current, total, timestamp, ...ended }] });
  };

  return {
    show(event: BuildEvent) {
      switch (event.kind) {
        case 'planned':
          plan(event.graph);
          return line({ vertexes: event.graph.steps.flatMap(({ id }) => vertexes.get(id) ?? []) });
        case 'warning':
          return line({
            warnings: [{ level: 1, short: Buffer.from(event.message).toString('base64'), line: event.line }],
          });
        case 'findings':
          return line({ warnings: event.findings.map((finding) => rawWarning(finding, event.file)) });
        case 'started':
          return change(event.step, { started: time() });
        case 'output': {
          const vertex = vertexes.get(event.step)?.digest;
          const stream = event.stream === 'stdout' ? 1 : 2;
          const data = Buffer.from(event.bytes).toString('base64');
          return line({ logs: [{ vertex, stream, data, timestamp: time() }] });
        }
        case 'cached':
          return change(event.step, { started: time(), completed: time(), cached: true });
        case 'done':
          return change(event.step, { completed: time() });
        case 'failed': {
          const { error } = event;
          return change(event.step, {
            completed: time(),
            error: error instanceof Error ? error.message : String(error),
          });
        }
        case 'context':
          return;
      }
    },
    pull(notice) {
      if (notice.kind !== 'layer' || (notice.state !== 'started' && notice.state !== 'stored')) return;
      const { layer, done } = notice;
      moved(layer.digest, 'pulling', done, layer.size, notice.state === 'stored');
    },
    push(notice) {
      if (notice.kind !== 'layer' || (notice.state !== 'started' && notice.state !== 'pushed')) return;
      const { layer, done, size, state } = notice;
      moved(layer.diffId, 'pushing', done, size, state === 'pushed');
    },
    end: () => {},
  };
}

/** A finding as buildx tells of it; its texts and the file are base64. */
function rawWarning(finding: Finding, file: CheckedFile): object {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const { rule, range } = finding;
  return {
    level: 1,
    short: encode(formatFinding(finding)),
    detail: [encode(rule.summary)],
    url: rule.url,
    sourceInfo: { filename: file.name, data: encode(file.text), language: 'Dockerfile' },
    range: [lineRange(range.start.line, lastLine(range))],
  };
}
