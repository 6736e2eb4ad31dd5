import { ConfigSyncError, type Place } from "../errors.ts";
import { helpers } from "./helpers.ts";

/** A place in a template where something is looked up, computed or written. */
export interface Site {
  readonly line: number;
  readonly column: number;
  /** The steps of a look-up, the name of a helper, or whether the text is written raw. */
  readonly steps: readonly string[];
  readonly helper: string;
  readonly raw: boolean;
}

/** A stretch of the template's own text, and the line that it begins on. */
export interface Content {
  readonly text: string;
  readonly line: number;
}

export interface Rewritten {
  readonly program: hbs.AST.Program;
  readonly contents: readonly Content[];
  readonly sites: readonly Site[];
}

/**
 * Turns a template that Handlebars has parsed into one that prints no text at all but a list of what stands where:
 * `t0 v3 t1`. Text of the template becomes `t` and its number; every `{{x}}` becomes a call of `write`, every path a call of
 * `get`, every helper a call of `call`, each with the number of its site. So no value is ever text to Handlebars, each knows
 * where it came from, and only what is named here can run: no partials, no decorators, no look-up by computed names. Texts, names
 * and places are in the lists only, so templates of the same build become the same program.
 *
 * Throws TEMPLATE_INVALID with the line and column.
 */
export function rewriteTemplate(program: hbs.AST.Program): Rewritten {
  const contents: Content[] = [];
  const sites: Site[] = [];
  const scopes: (readonly string[])[] = [];
  return { program: withoutPlaces(rewriteProgram(program)), contents, sites };

  function rewriteProgram(program: hbs.AST.Program): hbs.AST.Program {
    scopes.push(program.blockParams ?? []);
    const body = program.body.map(rewriteStatement);
    scopes.pop();
    return { ...program, body };
  }

  function rewriteStatement(node: hbs.AST.Statement): hbs.AST.Statement {
    if (isContent(node)) return content(node);
    if (isMustache(node)) return mustache(node);
    if (isBlock(node)) return block(node);
    if (node.type === "CommentStatement") return node;
    const word = node.type.startsWith("Partial") ? "partials ({{> x}})" : "decorators ({{* x}})";
    throw invalid(node, `${word} are not part of templates here`, "Write the text out in this template");
  }

  function content(node: Original): hbs.AST.Statement {
    const start = Math.max(0, node.original.indexOf(node.value));
    const skipped = node.original.slice(0, start).split("\n").length - 1;
    const number = contents.push({ text: node.value, line: node.loc.start.line + skipped }) - 1;
    return { ...node, value: `t${number} `, original: "" } as hbs.AST.Statement;
  }

  function mustache(node: hbs.AST.MustacheStatement): hbs.AST.Statement {
    const value = node.params.length > 0 || node.hash !== undefined ? call(node) : rewriteExpression(node.path);
    const where = site(node, { raw: !node.escaped });
    const internal = { path: name("write", node), params: [where, value], hash: undefined };
    return { ...node, ...internal, escaped: false } as unknown as hbs.AST.Statement;
  }

  function block(node: hbs.AST.BlockStatement): hbs.AST.Statement {
    const word = String(node.path.original);
    if (!["if", "unless", "each", "with"].includes(word)) {
      throw invalid(node, `there is no block "${word}"`, "Blocks are #if, #unless, #each and #with");
    }
    const [subject, ...more] = node.params;
    if (subject === undefined || more.length > 0 || node.hash !== undefined) {
      throw invalid(node, `#${word} takes exactly one value`);
    }
    const params = [site(node, {}), rewriteExpression(subject)];
    const program = node.program && rewriteProgram(node.program);
    const inverse = node.inverse && rewriteProgram(node.inverse);
    return { ...node, params, program, inverse } as hbs.AST.Statement;
  }

  function rewriteExpression(node: hbs.AST.Expression): hbs.AST.Expression {
    if (isPath(node)) return lookUp(node);
    if (node.type === "SubExpression") return call(node as hbs.AST.SubExpression);
    if (["StringLiteral", "NumberLiteral", "BooleanLiteral"].includes(node.type)) return node;
    throw invalid(node, "null and undefined are no values here");
  }

  function lookUp(node: hbs.AST.PathExpression): hbs.AST.Expression {
    const [first, ...rest] = node.parts;
    const named = node.depth === 0 && first !== undefined && scopes.some((names) => names.includes(first));
    if (node.data && !["root", "key", "index", "first", "last"].includes(first ?? "")) {
      throw invalid(node, `there is no @${first}`, "There are @key, @index, @first, @last and @root");
    }
    const fromName = node.data || named;
    const base = { ...node, parts: fromName ? [first ?? ""] : [], ...(fromName ? {} : { original: "this" }) };
    const where = site(node, { steps: fromName ? rest : node.parts });
    return subExpression(node, "get", [where, base]);
  }

  function call(node: hbs.AST.MustacheStatement | hbs.AST.SubExpression): hbs.AST.Expression {
    const word = String((node.path as hbs.AST.PathExpression).original);
    const helper = helpers.get(word);
    if (helper === undefined) {
      throw invalid(node, `there is no helper "${word}"`, `Helpers are ${[...helpers.keys()].join(", ")}`);
    }
    const [least, most] = helper.takes;
    if (node.hash !== undefined || node.params.length < least || node.params.length > most) {
      const takes = least === most ? `${least}` : `${least} to ${most}`;
      throw invalid(node, `${word} takes ${takes} plain ${most === 1 ? "argument" : "arguments"}`);
    }
    return subExpression(node, "call", [site(node, { helper: word }), ...node.params.map(rewriteExpression)]);
  }

  function site(node: hbs.AST.Node, about: Partial<Site>): hbs.AST.Expression {
    const { line, column } = node.loc.start;
    const number = sites.push({ line, column: column + 1, steps: [], helper: "", raw: false, ...about }) - 1;
    return { type: "NumberLiteral", value: number, original: number, loc: node.loc } as hbs.AST.Expression;
  }
}

function withoutPlaces<Node>(node: Node): Node {
  if (typeof node !== "object" || node === null) return node;
  if (Array.isArray(node)) return node.map(withoutPlaces) as Node;
  const members = Object.entries(node).map(([name, member]) => [
    name,
    name === "loc" ? nowhere : withoutPlaces(member),
  ]);
  return Object.fromEntries(members) as Node;
}

const nowhere = { start: { line: 1, column: 0 }, end: { line: 1, column: 0 } };

interface Original extends hbs.AST.Node {
  readonly value: string;
  readonly original: string;
}

function isContent(node: hbs.AST.Node): node is Original {
  return node.type === "ContentStatement";
}

function isMustache(node: hbs.AST.Node): node is hbs.AST.MustacheStatement {
  return node.type === "MustacheStatement";
}

function isBlock(node: hbs.AST.Node): node is hbs.AST.BlockStatement {
  return node.type === "BlockStatement";
}

function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === "PathExpression";
}

function name(word: string, node: hbs.AST.Node): hbs.AST.PathExpression {
  return { type: "PathExpression", data: false, depth: 0, parts: [word], original: word, loc: node.loc };
}

function subExpression(node: hbs.AST.Node, word: string, params: hbs.AST.Expression[]): hbs.AST.Expression {
  return { type: "SubExpression", path: name(word, node), params, loc: node.loc } as hbs.AST.Expression;
}

function invalid(node: hbs.AST.Node, message: string, hint?: string): ConfigSyncError {
  const place: Place = { line: node.loc.start.line, column: node.loc.start.column + 1 };
  return new ConfigSyncError("TEMPLATE_INVALID", message, { place, hint });
}
