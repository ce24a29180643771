/**
 * YAML as settings need it: what a document says, and where each word of it stands.
 * @module
 */

/** Where a node begins, both from 1; columns count UTF-16 units. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

export interface YamlScalar extends YamlPlace {
  readonly kind: 'scalar';
  /** As written, quotes and escapes resolved; '' where nothing stands. */
  readonly text: string;
  readonly quoted: boolean;
}

export interface YamlList extends YamlPlace {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends YamlPlace {
  readonly kind: 'map';
  /** In the order of the text; no key stands twice. */
  readonly entries: ReadonlyMap<string, { readonly key: YamlScalar; readonly value: YamlNode }>;
}

export type YamlNode = YamlScalar | YamlList | YamlMap;
