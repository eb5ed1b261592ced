/** What can be wrong with a YAML text, by the parser's codes; it tells of them in English only. */
import type { ErrorCode } from "yaml";
import { translated } from "../text/language";

interface Words {
  noAlias: string;
  noMapping: string;
  yamlFaults: Readonly<Record<ErrorCode, string>>;
}

export const words = translated<Words>({
  en: {
    noAlias: "An alias (*) means nothing here: an entry stands by itself.",
    noMapping: "These are no keys with values, such as name: backup.",
    yamlFaults: {
      ALIAS_PROPS: "An alias (*) cannot have an anchor or a tag of its own.",
      BAD_ALIAS: "This is no name for an alias (*) or an anchor (&). Text that begins so goes into quotation marks.",
      BAD_COLLECTION_TYPE: "What stands here is of another kind than its tag (!) says.",
      BAD_DIRECTIVE: "A line that begins with % means nothing here.",
      BAD_DQ_ESCAPE: "There is no such escape sequence: in quotation marks, a backslash itself is written \\\\.",
      BAD_INDENT: "A bracket before it was not closed, or it is indented otherwise than the lines that it belongs with.",
      BAD_PROP_ORDER: "An anchor (&) or a tag (!) stands after - or ?, not before it.",
      BAD_SCALAR_START: "A text cannot begin with this character: put it into quotation marks.",
      BLOCK_AS_IMPLICIT_KEY: "There is a second “key:” in this line: put a text with a colon into quotation marks.",
      BLOCK_IN_FLOW: "Within brackets a list or mapping is written in brackets, too.",
      DUPLICATE_KEY: "This key stands here twice.",
      IMPOSSIBLE: "This could not be read.",
      KEY_OVER_1024_CHARS: "A key has at most 1024 characters.",
      MISSING_CHAR: "A bracket, a quotation mark, a comma, a colon or a space is missing here.",
      MULTILINE_IMPLICIT_KEY: "A key stands in one line, with its colon: perhaps that is missing.",
      MULTIPLE_ANCHORS: "Only one anchor (&) can stand here.",
      MULTIPLE_DOCS: "This is one document only: no line of --- or ... can stand between its keys.",
      MULTIPLE_TAGS: "Only one tag (!) can stand here.",
      NON_STRING_KEY: "A key has to be a text.",
      RESOURCE_EXHAUSTION: "This is nested too deeply.",
      TAB_AS_INDENT: "Lines are indented by spaces, not by tabs.",
      TAG_RESOLVE_FAILED: "This tag (!) is not known. Text that begins so goes into quotation marks.",
      UNEXPECTED_TOKEN: "This cannot stand here.",
    },
  },
  "zh-Hant": {
    noAlias: "這裡不能使用別名（*）：每個項目各自獨立。",
    noMapping: "這裡不是鍵與值，例如 name: backup。",
    yamlFaults: {
      ALIAS_PROPS: "別名（*）不能再有自己的錨點或標籤。",
      BAD_ALIAS: "這不是別名（*）或錨點（&）的名稱。以此開頭的文字請加引號。",
      BAD_COLLECTION_TYPE: "此處的內容與其標籤（!）所指的種類不同。",
      BAD_DIRECTIVE: "以 % 開頭的一行在這裡沒有意義。",
      BAD_DQ_ESCAPE: "沒有這種跳脫序列：引號中的反斜線須寫成 \\\\。",
      BAD_INDENT: "前面的括號沒有關閉，或縮排與同一組的其他行不同。",
      BAD_PROP_ORDER: "錨點（&）或標籤（!）要寫在 - 或 ? 之後。",
      BAD_SCALAR_START: "文字不能以這個字元開頭：請加引號。",
      BLOCK_AS_IMPLICIT_KEY: "這一行有第二個「鍵:」：含冒號的文字請加引號。",
      BLOCK_IN_FLOW: "括號中的清單或對應也要寫在括號裡。",
      DUPLICATE_KEY: "這個鍵重複了。",
      IMPOSSIBLE: "無法讀取這裡的內容。",
      KEY_OVER_1024_CHARS: "鍵最多 1024 個字元。",
      MISSING_CHAR: "這裡少了括號、引號、逗號、冒號或空格。",
      MULTILINE_IMPLICIT_KEY: "鍵與其冒號要寫在同一行：可能少了冒號。",
      MULTIPLE_ANCHORS: "這裡只能有一個錨點（&）。",
      MULTIPLE_DOCS: "這裡只能有一份文件：鍵之間不能有 --- 或 ...。",
      MULTIPLE_TAGS: "這裡只能有一個標籤（!）。",
      NON_STRING_KEY: "鍵必須是文字。",
      RESOURCE_EXHAUSTION: "巢狀層數過多。",
      TAB_AS_INDENT: "縮排要用空格，不能用定位字元（Tab）。",
      TAG_RESOLVE_FAILED: "不認得這個標籤（!）。以此開頭的文字請加引號。",
      UNEXPECTED_TOKEN: "這裡不能有這個內容。",
    },
  },
});
