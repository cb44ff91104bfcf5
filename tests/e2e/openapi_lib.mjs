// Holds calls of the HTTP interface against node/openapi.json: schemas by ajv (JSON Schema 2020-12), the document
// itself by the OpenAPI Initiative's schema of version 3.1.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './lib.mjs';

const VALIDATOR = '@seriousme/openapi-schema-validator';
const require = createRequire(join(ROOT, 'web', 'package.json'));

export const havePackages = () =>
  [VALIDATOR, 'ajv', 'ajv-formats'].every((it) => existsSync(join(ROOT, 'web', 'node_modules', it)));
export const documentText = () => readFileSync(join(ROOT, 'node', 'openapi.json'), 'utf8');

/** Answers may get further fields; here one that the document does not have is a mistake. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const out = Object.fromEntries(Object.entries(schema).map(([name, it]) => [name, closed(it)]));
  if (schema.type === 'object' && schema.properties) out.additionalProperties ??= false;
  return out;
}

export async function checkDocument(doc) {
  const { Validator } = await import(pathToFileURL(require.resolve(VALIDATOR)));
  const checked = await new Validator().validate(structuredClone(doc));
  assert.ok(checked.valid, `no OpenAPI 3.1 document: ${JSON.stringify(checked.errors, null, 1)}`);
  const text = JSON.stringify(doc);
  for (const [kind, all] of Object.entries(doc.components))
    for (const name of kind === 'securitySchemes' ? [] : Object.keys(all))
      assert.ok(text.includes(`"#/components/${kind}/${name}"`), `nothing refers to ${kind}/${name}`);
}

export class Contract {
  constructor(doc) {
    this.doc = doc;
    const Ajv = require('ajv/dist/2020').default;
    const { schemas } = doc.components;
    // Types of a field may stand in the schema that it refers to, or beside a `oneOf`.
    this.ajv = new Ajv({ strict: true, strictTypes: false, allowUnionTypes: true, allErrors: true });
    require('ajv-formats').default(this.ajv);
    this.ajv.addVocabulary(['components']);
    this.ajv.addSchema({ $id: 'request', components: { schemas } });
    this.ajv.addSchema({ $id: 'answer', components: { schemas: closed(schemas) } });
    this.compiled = new Map();
    this.answered = new Set();
    this.events = new Set();
    this.calls = 0;
    const parts = (path) => path.split('/').map((it) => (it.startsWith('{') ? '[^/]+' : it.replace(/\./g, '\\.')));
    this.paths = Object.entries(doc.paths).map(([path, item]) => ({
      path,
      item,
      pattern: new RegExp(`^${parts(path).join('/')}$`),
    }));
  }
  resolve(it) {
    if (!it?.$ref) return it;
    return it.$ref.slice(2).split('/').reduce((at, name) => at[name], this.doc);
  }
  /** What is wrong with a value; empty: nothing. `side` is "request" or "answer". */
  problems(side, schema, value) {
    const key = side + JSON.stringify(schema);
    if (!this.compiled.has(key))
      this.compiled.set(key, this.ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', `"${side}#/`))));
    const check = this.compiled.get(key);
    return check(value) ? '' : this.ajv.errorsText(check.errors, { separator: '; ' });
  }
  /** The operation of a call, and whether its path has any; HEAD is the interface's own. */
  find(method, target) {
    const [path] = target.split('?');
    const at = this.paths.find((it) => it.path === path) ?? this.paths.find((it) => it.pattern.test(path));
    return { at, operation: at?.item[method.toLowerCase()] };
  }
  requestSchema = (operation) => operation.requestBody?.content['application/json'].schema;

  /** One call with its answer, bodies as they were sent. Throws when the document says something else. */
  check({ method, path, body, status, type, answer }) {
    const what = `${method} ${path} ${body} -> ${status} ${answer.slice(0, 2000)}`;
    const { at, operation } = this.find(method, path);
    // Of every address, also of those that the document has not: see `info`.
    if (status === 405 || status === 431 || !at) {
      if (!at && status < 400) assert.ok(!path.startsWith('/api/v1/') || path.startsWith('/api/v1/admin/'), what);
      if (status === 405) assert.equal(operation, undefined, what);
      if (status >= 400 && !path.startsWith('/api/v1/admin/'))
        assert.equal(this.problems('answer', { $ref: '#/components/schemas/error' }, JSON.parse(answer)), '', what);
      return;
    }
    // What was refused before anybody looked at the path may have any method.
    if (!operation) return assert.ok(status >= 400, what);
    ++this.calls;
    const response = this.resolve(operation.responses[status]);
    assert.ok(response, `the document has no such status: ${what}`);
    const media = response.content[type.split(';')[0]];
    assert.ok(media, `the document has no such content: ${type}: ${what}`);
    if (type.startsWith('application/json'))
      assert.equal(this.problems('answer', media.schema, JSON.parse(answer)), '', what);
    if (status !== 200) return;
    this.answered.add(`${method} ${at.path}`);
    const schema = this.requestSchema(operation);
    if (!schema) return;
    if (body === '') return assert.ok(!operation.requestBody.required, what);
    assert.equal(this.problems('request', schema, JSON.parse(body)), '', `accepted, against the document: ${what}`);
  }

  /** One event as it came: "event: NAME\ndata: JSON". */
  checkEvent(frame) {
    const [, name, data] = /^event: (\w+)\ndata: (.*)\n*$/.exec(frame) ?? [];
    assert.ok(name, `no event: ${frame}`);
    const media = this.doc.paths['/api/v1/events'].get.responses[200].content['text/event-stream'];
    const schema = media['x-event-types'][name];
    assert.ok(schema, `the document has no event ${name}`);
    assert.equal(this.problems('answer', schema, JSON.parse(data)), '', frame);
    this.events.add(name);
    return { name, data: JSON.parse(data) };
  }

  operations() {
    return this.paths.flatMap(({ path, item }) =>
      Object.keys(item)
        .filter((it) => it !== 'parameters')
        .map((it) => `${it.toUpperCase()} ${path}`),
    );
  }

  /** Good requests, each with one thing wrong by its schema: the node must refuse them all as malformed. */
  *spoilt(schema, body) {
    const s = this.resolve(schema);
    if (Array.isArray(body)) {
      for (const wrong of body.length ? this.spoilt(s.items, body[0]) : [])
        yield { ...wrong, body: [wrong.body, ...body.slice(1)] };
      return;
    }
    if (s.additionalProperties === false) yield { why: 'a field too many', body: { ...body, another: 1 } };
    for (const name of s.required ?? []) {
      const { [name]: left, ...rest } = body;
      yield { why: `without ${name}`, body: rest };
    }
    for (const [name, value] of Object.entries(body)) {
      yield { why: `${name} is an object`, body: { ...body, [name]: { x: 1 } } };
      if (value === null || typeof value !== 'object') continue;
      for (const wrong of this.spoilt(s.properties[name], value))
        yield { why: `${name}: ${wrong.why}`, body: { ...body, [name]: wrong.body } };
    }
  }
}
