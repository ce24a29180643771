import { formatDiveSize, formatGoFloat, parseByteSize } from './byte-size.ts';
import type { DiveNumbers, InefficientFile } from './dive-compat.ts';

/** The thresholds as a person writes them: `0.9`, `20MB`, `disabled`. */
export interface DiveThresholds {
  readonly lowestEfficiency: string;
  readonly highestWastedBytes: string;
  readonly highestUserWastedPercent: string;
}

export const DIVE_RULES = ['lowestEfficiency', 'highestWastedBytes', 'highestUserWastedPercent'] as const;

export const DIVE_DEFAULTS: DiveThresholds = {
  lowestEfficiency: '0.9',
  highestWastedBytes: 'disabled',
  highestUserWastedPercent: '0.1',
};

export interface DiveResult {
  readonly rule: keyof DiveThresholds;
  readonly status: 'passed' | 'failed' | 'skipped' | 'misconfigured';
  /** Why, for any status but passed. */
  readonly message: string;
}

export interface DiveEvaluation {
  /** By the name of the rule. */
  readonly results: readonly DiveResult[];
  readonly passed: boolean;
  /** At least one threshold is none: nothing was compared. */
  readonly misconfigured: boolean;
}

/** dive's three rules over its numbers: what is not a number (all bytes are in the first layer, and none is wasted) passes, as there. */
export function evaluateDive(thresholds: DiveThresholds, numbers: DiveNumbers): DiveEvaluation {
  const { efficiency, wastedBytes } = numbers;
  const share = userShare(numbers);
  const results = [
    check('highestUserWastedPercent', thresholds, readShare, (limit) =>
      share > limit
        ? `too many bytes wasted, relative to the user bytes added (%-user-wasted-bytes=${formatGoFloat(share)} > threshold=${formatGoFloat(limit)})`
        : undefined,
    ),
    check('highestWastedBytes', thresholds, readBytes, (limit) =>
      wastedBytes > limit
        ? `too many bytes wasted (wasted-bytes=${wastedBytes} > threshold=${limit})`
        : undefined,
    ),
    check('lowestEfficiency', thresholds, readShare, (limit) =>
      efficiency < limit
        ? `image efficiency is too low (efficiency=${formatGoFloat(efficiency)} < threshold=${formatGoFloat(limit)})`
        : undefined,
    ),
  ];
  const misconfigured = results.some(({ status }) => status === 'misconfigured');
  return {
    results,
    misconfigured,
    passed: !misconfigured && results.every(({ status }) => status !== 'failed'),
  };
}

/** NaN where nothing is divided by nothing. */
const userShare = ({ wastedBytes, userSizeBytes }: DiveNumbers): number => wastedBytes / userSizeBytes;

type Reader = (rule: keyof DiveThresholds, text: string) => number | string;

function check(
  rule: keyof DiveThresholds,
  thresholds: DiveThresholds,
  read: Reader,
  breach: (limit: number) => string | undefined,
): DiveResult {
  const text = thresholds[rule];
  if (isOff(text)) return { rule, status: 'skipped', message: 'rule disabled' };
  const limit = read(rule, text);
  if (typeof limit === 'string') return { rule, status: 'misconfigured', message: limit };
  const message = breach(limit);
  return message === undefined
    ? { rule, status: 'passed', message: '' }
    : { rule, status: 'failed', message };
}

/** True for the words that switch a rule of dive's off. */
export const isOff = (text: string): boolean => ['', 'disabled', 'off', 'false'].includes(text);

const readShare: Reader = (rule, text) => {
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
  if (word === null && number === undefined)
    return `invalid config value ('${text}'): strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`;
  const value = number ?? (/nan/i.test(text) ? Number.NaN : Number.POSITIVE_INFINITY);
  return value < 0 || value > 1
    ? `${rule} config value is outside allowed range (0-1), given '${text}'`
    : value;
};

const readBytes: Reader = (_, text) => {
  const bytes = parseByteSize(text);
  return typeof bytes === 'string' ? `invalid config value ('${text}'): ${bytes}` : bytes;
};

/** What `CI=true dive` prints, from the numbers on; without an evaluation only those. `n/a` stands where dive has `NaN`. `show` makes a path fit for a line. */
export function diveText(
  evaluation: DiveEvaluation | undefined,
  numbers: DiveNumbers,
  show: (path: string) => string,
): string {
  const share = userShare(numbers);
  const percent = Number.isNaN(share)
    ? 'n/a'
    : `${Number.isFinite(share) ? (share * 100).toFixed(4) : '+Inf'} %`;
  const shown = evaluation?.misconfigured ? [] : numbers.inefficient;
  return `${[
    `  efficiency: ${(numbers.efficiency * 100).toFixed(4)} %`,
    `  wastedBytes: ${numbers.wastedBytes} bytes (${formatDiveSize(numbers.wastedBytes)})`,
    `  userWastedPercent: ${percent}`,
    'Inefficient Files:',
    'Count  Wasted Space  File Path',
    ...(shown.length === 0 ? ['None'] : shown.map((each) => wasteLine(each, show))),
    ...(evaluation === undefined ? [] : evaluationLines(evaluation)),
  ].join('\n')}\n`;
}

function evaluationLines({ results, passed, misconfigured }: DiveEvaluation): string[] {
  const count = (status: DiveResult['status']): number =>
    results.filter((result) => result.status === status).length;
  const total = `[Total:${results.length}] [Passed:${count('passed')}] [Failed:${count('failed')}] [Warn:0] [Skipped:${count('skipped')}]`;
  return [
    'Results:',
    ...results.map((result) => resultLine(result, misconfigured)),
    misconfigured ? 'CI Misconfigured' : `Result:${passed ? 'PASS' : 'FAIL'} ${total}`,
  ];
}

const wasteLine = ({ count, sizeBytes, path }: InefficientFile, show: (path: string) => string): string =>
  `${String(count).padStart(5)}  ${formatDiveSize(sizeBytes).padStart(12)}  ${show(path)}`;

const WORDS = { passed: 'PASS', failed: 'FAIL', skipped: 'SKIP', misconfigured: 'MISCONFIGURED' } as const;

function resultLine({ rule, status, message }: DiveResult, misconfigured: boolean): string {
  if (!misconfigured) return `  ${WORDS[status]}: ${rule}${message === '' ? '' : `: ${message}`}`;
  if (status === 'misconfigured') return `  MISCONFIGURED: ${rule}: ${message}`;
  return `  CONFIGURED   : ${rule}: ${status === 'skipped' ? message : 'test'}`;
}
