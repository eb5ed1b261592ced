/** Which language a text is in, told by the name of its file and by its `#!` line. */

export type Dialect = "shell" | "python" | "yaml" | "plain";

const SUFFIXES: Record<string, Dialect> = {
  sh: "shell", bash: "shell", ksh: "shell", zsh: "shell", env: "shell", py: "python", yml: "yaml", yaml: "yaml",
};

export function dialectOf(name: string, firstLine: string): Dialect {
  const interpreter = /^#!.*?([a-z]+)[0-9.]*(?:\s+-\S*)*\s*$/.exec(firstLine)?.[1];
  if (interpreter !== undefined) {
    if (/^(sh|bash|dash|ash|ksh|zsh)$/.test(interpreter)) return "shell";
    return /^(python|pypy)$/.test(interpreter) ? "python" : "plain";
  }
  return SUFFIXES[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? "plain";
}

/** What the editor is to put between lines: with any other separator it shows what it finds, and keeps it. */
export function lineBreakOf(text: string): "\r\n" | "\n" {
  return text.includes("\n") && !/(^|[^\r])\n/.test(text) ? "\r\n" : "\n";
}
