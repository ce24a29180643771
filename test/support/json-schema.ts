/** A JSON schema, as far as ours go. */
export type Schema = { readonly [keyword: string]: unknown };

const KNOWN = new Set([
  ...[
    '$schema',
    '$defs',
    '$ref',
    'title',
    'description',
    'type',
    'required',
    'additionalProperties',
    'properties',
  ],
  ...[
    'const',
    'enum',
    'items',
    'maxItems',
    'minimum',
    'maximum',
    'minLength',
    'maxLength',
    'pattern',
    'anyOf',
  ],
]);

/** What a value breaks of a schema, each with its place; none if it is valid. A keyword that is not known here throws: nothing is valid by accident. */
export function schemaProblems(schema: Schema, value: unknown, root: Schema = schema, at = '$'): string[] {
  for (const keyword of Object.keys(schema)) if (!KNOWN.has(keyword)) throw new Error(`keyword ${keyword}`);
  const problems: string[] = [];
  const fail = (what: string): void => void problems.push(`${at}: ${what}`);
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.replace('#/$defs/', '');
    const target = (root.$defs as Record<string, Schema>)[name];
    if (target === undefined) throw new Error(`no ${schema.$ref}`);
    problems.push(...schemaProblems(target, value, root, at));
  }
  const anyOf = schema.anyOf as readonly Schema[] | undefined;
  if (anyOf !== undefined && !anyOf.some((each) => schemaProblems(each, value, root, at).length === 0))
    fail('none of anyOf');
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => hasType(value, type as string)))
    fail(`no ${types.join(' or ')}`);
  if ('const' in schema && value !== schema.const) fail(`not ${JSON.stringify(schema.const)}`);
  if (Array.isArray(schema.enum) && !schema.enum.includes(value))
    fail(`none of ${JSON.stringify(schema.enum)}`);
  if (typeof value === 'number') {
    if (value < ((schema.minimum as number | undefined) ?? value)) fail('too small');
    if (value > ((schema.maximum as number | undefined) ?? value)) fail('too large');
  }
  if (typeof value === 'string') {
    if (typeof schema.pattern === 'string' && !new RegExp(schema.pattern, 'u').test(value))
      fail(`not ${schema.pattern}`);
    if (value.length < ((schema.minLength as number | undefined) ?? 0)) fail('too short');
    if (value.length > ((schema.maxLength as number | undefined) ?? value.length)) fail('too long');
  }
  if (Array.isArray(value)) {
    if (value.length > ((schema.maxItems as number | undefined) ?? value.length)) fail('too many items');
    const items = schema.items as Schema | undefined;
    if (items !== undefined)
      for (const [i, each] of value.entries())
        problems.push(...schemaProblems(items, each, root, `${at}[${i}]`));
  } else if (typeof value === 'object' && value !== null) {
    const properties = (schema.properties ?? {}) as Record<string, Schema>;
    for (const name of (schema.required ?? []) as string[])
      if (!Object.hasOwn(value, name)) fail(`no ${name}`);
    for (const [name, each] of Object.entries(value)) {
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (known !== undefined) problems.push(...schemaProblems(known, each, root, `${at}.${name}`));
      else if (schema.additionalProperties === false) fail(`unknown ${name}`);
    }
  }
  return problems;
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** The same schema without room for fields that it does not name: how a test sees that a new field is missing in it. */
export function closedSchema(schema: Schema): Schema {
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(close);
    if (typeof value !== 'object' || value === null) return value;
    const closed = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, close(each)]));
    return 'properties' in value && 'type' in value ? { ...closed, additionalProperties: false } : closed;
  };
  return close(schema) as Schema;
}
