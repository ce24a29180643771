import { parseByteSize } from '../byte-size.ts';
import { isOff } from '../dive-rules.ts';
import type { Growth, RuleId } from './types.ts';

/** Rules with one value; `forbid` has a list of patterns. */
export type LimitedRule = Exclude<RuleId, 'forbid'>;

/** What a person wrote as a rule's limit: the limit, or that the rule is off, or what was wanted instead. */
export type ReadLimit =
  | { readonly limit: number | Growth }
  | { readonly off: true }
  | { readonly wanted: string };

/** `90%`, `0.9`, `20MB`, `12`, by the rule; `off`, `false` and `disabled` for none. */
export function readLimit(rule: LimitedRule, text: string): ReadLimit {
  if (isOff(text.trim().toLowerCase())) return { off: true };
  const limit = READERS[rule](text.trim());
  return limit === undefined ? { wanted: WANTED[rule] } : { limit };
}

const SHARE = 'a share such as 0.9 or 90%';
const SIZE = 'a size such as 20MB, 1.5GiB or 4096';

const WANTED: Readonly<Record<LimitedRule, string>> = {
  'min-efficiency': SHARE,
  'max-hidden': SIZE,
  'max-hidden-share': SHARE,
  'max-size': SIZE,
  'max-layers': 'a whole number',
  'max-growth': 'a size such as 20MB, or a share such as 5%',
};

const READERS: Readonly<Record<LimitedRule, (text: string) => number | Growth | undefined>> = {
  'min-efficiency': readShare,
  'max-hidden': readSize,
  'max-hidden-share': readShare,
  'max-size': readSize,
  'max-layers': (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined),
  'max-growth': readGrowth,
};

function readShare(text: string): number | undefined {
  const percent = readPercent(text);
  const share = percent ?? (/^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined);
  return share === undefined || share > 1 ? undefined : share;
}

function readPercent(text: string): number | undefined {
  const match = /^(\d+\.?\d*|\.\d+) ?%$/.exec(text);
  return match === null ? undefined : Number(match[1]) / 100;
}

function readSize(text: string): number | undefined {
  const bytes = parseByteSize(text);
  return typeof bytes === 'string' || !Number.isSafeInteger(bytes) ? undefined : bytes;
}

/** A bare fraction could be meant as either. */
function readGrowth(text: string): Growth | undefined {
  const percent = readPercent(text);
  if (percent !== undefined) return { unit: 'share', value: percent };
  const bytes = /^[\d,]*\.[\d,]*$/.test(text) ? undefined : readSize(text);
  return bytes === undefined ? undefined : { unit: 'bytes', value: bytes };
}
