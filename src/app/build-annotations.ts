import { errorMaker } from '../base/errors.ts';
import { suggest } from '../dockerfile/suggest.ts';
import { formatPlatform, parsePlatform } from '../oci/platform.ts';
import type { Annotations, Platform } from '../oci/types.ts';

type AnnotationErrors = {
  ANNOTATION_INVALID: { text: string; problem: string; hint?: string | undefined };
};
const annotationError = errorMaker<AnnotationErrors>({
  ANNOTATION_INVALID: ({ text, problem, hint }) => ({
    message: `--annotation ${text}: ${problem}`,
    hint: hint ?? 'for example: --annotation org.opencontainers.image.source=URL, or manifest:key=value',
  }),
});

/** What `--annotation` options say, by the document that they go into. */
export interface BuildAnnotations {
  manifest(platform: Platform): Annotations;
  /** Of the entry in the index that points at the image. */
  manifestDescriptor(platform: Platform): Annotations;
  readonly index: Annotations;
  /** Of the entry in the index.json of a layout. */
  readonly indexDescriptor: Annotations;
}

const LEVELS = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;
type Level = (typeof LEVELS)[number];

interface Row {
  readonly level: Level;
  /** Only this one's; undefined: everybody's. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

/** Reads `[LEVEL[,LEVEL…][[PLATFORM]]:]key=value` options; without a level the manifest is meant. An index's annotations want an index. @throws ANNOTATION_INVALID, OCI_PLATFORM_INVALID */
export function parseAnnotations(texts: readonly string[], hasIndex: boolean): BuildAnnotations {
  const rows = texts.flatMap((text) => parseAnnotation(text, hasIndex));
  const of = (level: Level, platform?: Platform): Annotations => {
    const own = platform === undefined ? undefined : formatPlatform(platform);
    return Object.fromEntries(
      rows
        .filter((row) => row.level === level && (row.platform === undefined || row.platform === own))
        .map(({ key, value }) => [key, value]),
    );
  };
  return {
    manifest: (platform) => of('manifest', platform),
    manifestDescriptor: (platform) => of('manifest-descriptor', platform),
    index: of('index'),
    indexDescriptor: of('index-descriptor'),
  };
}

function parseAnnotation(text: string, hasIndex: boolean): Row[] {
  const invalid = (problem: string, hint?: string) =>
    annotationError('ANNOTATION_INVALID', { text, problem, hint });
  const cut = text.indexOf('=');
  if (cut < 0) throw invalid('want key=value');
  const [left, value] = [text.slice(0, cut), text.slice(cut + 1)];
  const prefixed = /^([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.*)$/s.exec(left);
  const [, levels = 'manifest', key = left] = prefixed ?? [];
  if (key === '') throw invalid('the key is empty');
  return levels.split(',').map((word): Row => {
    const [, level = '', platform] = /^([a-z-]+)(?:\[([^\]]*)\])?$/.exec(word) ?? [];
    if (!isLevel(level)) {
      const near = suggest(level, LEVELS);
      throw invalid(
        `unknown annotation type ${JSON.stringify(level)}, want ${LEVELS.join(', ')}`,
        near && `did you mean ${near}?`,
      );
    }
    if (!hasIndex && level !== 'manifest' && level !== 'index-descriptor')
      throw invalid(
        `${level} annotations are not for a build of a single platform`,
        'without a prefix it goes into the manifest',
      );
    return {
      level,
      platform: platform === undefined ? undefined : formatPlatform(parsePlatform(platform)),
      key,
      value,
    };
  });
}

const isLevel = (word: string): word is Level => (LEVELS as readonly string[]).includes(word);
