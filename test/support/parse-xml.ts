export interface XmlNode {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

interface OpenNode {
  tag: string;
  attributes: Record<string, string>;
  text: string;
  children: XmlNode[];
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** XML 1.0, 2.2. */
const CHARACTER = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** The document element. Strict: what XML 1.0 does not allow throws; comments, CDATA and document types are not read. */
export function parseXml(xml: string): XmlNode {
  if (!CHARACTER.test(xml)) throw new Error('a character that XML does not have');
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, '');
  const root: OpenNode = { tag: '', attributes: {}, text: '', children: [] };
  const stack = [root];
  let at = 0;
  for (const match of body.matchAll(/<(\/?)([A-Za-z][\w.-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    addText(stack.at(-1)!, body.slice(at, match.index));
    at = match.index + match[0].length;
    const [, closes, tag = '', pairs = '', empty] = match;
    if (closes !== '') {
      if (stack.pop()!.tag !== tag || stack.length === 0) throw new Error(`</${tag}> closes nothing`);
      continue;
    }
    const node: OpenNode = { tag, attributes: attributesOf(pairs), text: '', children: [] };
    stack.at(-1)!.children.push(node);
    if (empty === '') stack.push(node);
  }
  addText(stack.at(-1)!, body.slice(at));
  if (stack.length !== 1 || root.children.length !== 1 || root.text.trim() !== '')
    throw new Error('not one element');
  return root.children[0]!;
}

function addText(node: OpenNode, text: string): void {
  if (/<|\]\]>/.test(text)) throw new Error(`markup that is none: ${text}`);
  node.text += resolve(text);
}

function attributesOf(pairs: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of pairs.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (name in attributes) throw new Error(`${name} twice`);
    // Ends of lines and tabs in an attribute are read as blanks.
    attributes[name] = resolve(value.replace(/[\t\n\r]/g, ' '));
  }
  return attributes;
}

function resolve(text: string): string {
  return text.replace(/&(?:#(\d+);|([a-z]+);)?/g, (whole, code?: string, name?: string) => {
    const value = code === undefined ? NAMED[name ?? ''] : String.fromCodePoint(Number(code));
    if (value === undefined || !CHARACTER.test(value)) throw new Error(`reference ${whole}`);
    return value;
  });
}
