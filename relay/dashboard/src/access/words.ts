import { translated } from "../text/language";

export const words = translated({
  en: {
    signedIn: (name: string, role: string) => `${name} (${role})`,
    roles: { scrape: "scrapes", view: "may look", operate: "may run scripts", edit: "may change everything" },
    byProxy: "Signed in by the proxy, where you sign out too",
    signIn: "Sign in",
    signOut: "Sign out",
    signOutAll: "Sign out everywhere",
    needs: {
      scrape: "", view: "You may not look at this.", operate: "You may look, but not run or stop scripts.",
      edit: "You may not change scripts, files or the configuration.",
    },
    denied: "Not for you",
    back: "To the overview",
  },
  "zh-Hant": {
    signedIn: (name: string, role: string) => `${name}（${role}）`,
    roles: { scrape: "僅指標", view: "可檢視", operate: "可執行指令稿", edit: "可變更一切" },
    byProxy: "由代理伺服器登入，也請在那裡登出",
    signIn: "登入",
    signOut: "登出",
    signOutAll: "在所有裝置登出",
    needs: {
      scrape: "", view: "您無權檢視這裡。", operate: "您可以檢視，但不能執行或停止指令稿。",
      edit: "您不能變更指令稿、檔案或設定。",
    },
    denied: "沒有權限",
    back: "前往總覽",
  },
});
