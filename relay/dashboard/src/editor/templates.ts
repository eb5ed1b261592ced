/** What templates are called in the page's language, where it knows them; the service tells of them in English. */
import type { Template } from "../api/files";
import { translated } from "../text/language";

type About = Pick<Template, "name" | "description">;

const known = translated<Readonly<Record<string, About>>>({
  en: {},
  "zh-Hant": {
    "Shell script": { name: "Shell 指令稿", description: "遇到第一個失敗的命令就停止，並自行收尾。" },
    "Python script": { name: "Python 指令稿", description: "接受選項、記錄時間，失敗時回報結束代碼。" },
    "Health check": { name: "健康檢查", description: "詢問某個網址是否回應，並發布為指標。" },
  },
});

export function described(template: Template): About & { lang: string | undefined } {
  const about = known()[template.name];
  return about ? { ...about, lang: undefined } : { ...template, lang: "en" };
}
