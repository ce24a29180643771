/**
 * An image against rules: what `explore --ci` shows in its formats, as plain data.
 * @module
 */
import { isAbsolute, relative } from 'node:path';
import { type DiveNumbers, diveNumbers } from '../explore/dive-compat.ts';
import { type DiveJson, diveJson } from '../explore/dive-json.ts';
import type { OpenExploration } from '../explore/explore-image.ts';
import { evaluateRules } from '../explore/rules/evaluate-rules.ts';
import { RULE_SUMMARIES, type RuleFinding, type RuleId, type Unit } from '../explore/rules/types.ts';
import type { Exploration } from '../explore/types.ts';
import type { App } from './app.ts';
import { type ExploreRequest, openSource } from './explore.ts';
import type { ChosenRules } from './explore-settings.ts';

/** What is looked at where nobody set a rule. */
export const DEFAULT_LIMITS = { 'min-efficiency': 0.9 } as const;

/** The answer of `explore --ci`; JSON is the value itself (schema/explore-ci-1.json). */
export interface CiReport {
  /** Goes up when a field changes its meaning. */
  readonly version: 1;
  readonly image: CiImage;
  /** What growth was measured from. */
  readonly against?: CiImage | undefined;
  /** Where the rules come from; none: the default ones. */
  readonly rulesFrom: readonly string[];
  readonly passed: boolean;
  readonly total: number;
  readonly visible: number;
  readonly hidden: number;
  readonly efficiency: number;
  readonly layers: number;
  /** Whether the digests of all layers were compared with what they hold, now or when the image was looked at before. */
  readonly digestsChecked: boolean;
  readonly rules: readonly CiRule[];
}

export interface CiImage {
  /** As the person named it. */
  readonly name: string;
  readonly digest: string;
  readonly id: string;
  readonly os?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
  readonly total: number;
}

export interface CiRule {
  readonly rule: RuleId;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly summary: string;
  readonly unit: Unit;
  readonly actual?: number | undefined;
  readonly limit?: number | undefined;
  readonly message: string;
  readonly findings: readonly CiFinding[];
  readonly more: number;
}

export interface CiFinding {
  readonly message: string;
  readonly path?: string | undefined;
  readonly bytes?: number | undefined;
  readonly layer?: CiLayer | undefined;
  readonly hiddenBy?: CiLayer | undefined;
}

export interface CiLayer {
  readonly number: number;
  readonly diffId: string;
  /** The instruction that made it. */
  readonly createdBy?: string | undefined;
  /** Where the instruction stands; relative to the working directory where it is below that. */
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

/** Holds an image to rules. `whole`: the exploration is wanted with all that it can have, which means reading all of the image. @throws as `openSource` */
export async function checkImage(
  app: App,
  name: string,
  rules: ChosenRules,
  asked: ExploreRequest & { readonly folder: string; readonly whole: boolean },
): Promise<{ readonly report: CiReport; readonly exploration: Exploration }> {
  const o = { ...asked, unproven: !asked.whole, duplicates: asked.whole };
  const source = await openSource(app, name, o);
  try {
    const other =
      rules.against === undefined
        ? undefined
        : await openSource(app, rules.against, otherOptions(name, rules.against, o));
    try {
      const { exploration } = source;
      const against =
        other === undefined ? undefined : { ...subjectOf(other.exploration), name: rules.against! };
      const limits =
        Object.keys(rules.limits).length === 0 && rules.from.length === 0 ? DEFAULT_LIMITS : rules.limits;
      const results = evaluateRules(subjectOf(exploration), against, { ...rules, limits });
      const { report } = exploration;
      const { total, visible, hidden, efficiency } = report;
      return {
        exploration: report,
        report: {
          version: 1,
          image: imageOf(name, report),
          ...(against === undefined ? {} : { against: imageOf(against.name, against.report) }),
          rulesFrom: rules.from,
          passed: results.every(({ status }) => status !== 'failed'),
          total,
          visible,
          hidden,
          efficiency,
          layers: report.layers.length,
          digestsChecked: exploration.indexes.every(({ unproven }) => unproven !== true),
          rules: results.map((result) => ({
            rule: result.rule,
            status: result.status,
            summary: RULE_SUMMARIES[result.rule],
            unit: result.unit,
            ...optional('actual', result.actual),
            ...optional('limit', result.limit),
            message: result.message,
            findings: result.findings.map((finding) => findingOf(finding, report, o.folder)),
            more: result.more,
          })),
        },
      };
    } finally {
      await other?.close();
    }
  } finally {
    await source.close();
  }
}

/** The image in dive's numbers and dive's JSON. @throws as `openSource` */
export async function diveImage(
  app: App,
  name: string,
  o: ExploreRequest,
): Promise<{ readonly numbers: DiveNumbers; json(): DiveJson }> {
  const source = await openSource(app, name, { ...o, bare: true, unproven: true });
  await source.close();
  const { report, indexes } = source.exploration;
  const ids = source.members.map((member) => member.split('/')[0]!);
  return { numbers: diveNumbers(indexes), json: () => diveJson(report, indexes, ids) };
}

/** The Dockerfile is that of the first image, and standard input is read once. */
function otherOptions(name: string, against: string, o: ExploreRequest): ExploreRequest {
  const { platform, insecure, signal, unproven } = o;
  const stdin = name === '-' && against === '-' ? undefined : o.stdin;
  return { platform, insecure, signal, stdin, unproven, bare: true };
}

const subjectOf = ({ report, indexes, trees }: OpenExploration) => ({ report, indexes, trees });

function imageOf(name: string, { image, total }: Exploration): CiImage {
  const { digest, id, os, architecture, variant } = image;
  return {
    name,
    digest,
    id,
    ...optional('os', os),
    ...optional('architecture', architecture),
    ...optional('variant', variant),
    total,
  };
}

function findingOf(finding: RuleFinding, report: Exploration, folder: string): CiFinding {
  const layer = (number: number | undefined): CiLayer | undefined =>
    number === undefined ? undefined : layerOf(report, number, folder);
  return {
    message: finding.message,
    ...optional('path', finding.path),
    ...optional('bytes', finding.bytes),
    ...optional('layer', layer(finding.layer)),
    ...optional('hiddenBy', layer(finding.hiddenBy)),
  };
}

function layerOf(report: Exploration, number: number, folder: string): CiLayer {
  const { diffId, createdBy, place } = report.layers[number]!;
  return {
    number,
    diffId,
    ...optional('createdBy', createdBy),
    ...(place === undefined ? {} : { file: nearPath(place.file, folder), line: place.line }),
  };
}

function nearPath(file: string, folder: string): string {
  if (!isAbsolute(file)) return file;
  const near = relative(folder, file);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? file : near;
}

function optional<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}
