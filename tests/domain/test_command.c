#include "domain/command.h"

#include "base/mem.h"
#include "harness.h"

static struct i18n *texts;

static const struct lang *lang(const char *code)
{
    return i18n_lang(texts, str_of(code), STR(""));
}

static const struct {
    const char *lang, *text;
    enum command_id id;
    const char *order, *rest;
} rows[] = {
  /* the seeds' commands */
    {"en", "MY WORK",                                      CMD_MY_WORK,    "",                   ""                                  },
    {"en", "PENDING",                                      CMD_PENDING,    "",                   ""                                  },
    {"en", "STATUS",                                       CMD_STATUS,     "",                   ""                                  },
    {"en", "ACK",                                          CMD_ACK,        "",                   ""                                  },
    {"en", "ACK WO-2024-001",                              CMD_ACK,        "WO-2024-001",        ""                                  },
    {"en", "START",                                        CMD_START,      "",                   ""                                  },
    {"en", "START WO-2024-001",                            CMD_START,      "WO-2024-001",        ""                                  },
    {"en", "COMPLETE",                                     CMD_COMPLETE,   "",                   ""                                  },
    {"en", "COMPLETE WO-2024-001",                         CMD_COMPLETE,   "WO-2024-001",        ""                                  },
    {"en", "NOTE Replaced bearing, needs alignment",       CMD_NOTE,       "",
     "Replaced bearing, needs alignment"                                                                                             },
    {"en", "DELAY Waiting for spare parts",                CMD_DELAY,      "",                   "Waiting for spare parts"           },
    {"en", "ESCALATE",                                     CMD_ESCALATE,   "",                   ""                                  },
    {"en", "RESPONDING",                                   CMD_RESPONDING, "",                   ""                                  },
    {"en", "CONFIRM",                                      CMD_CONFIRM,    "",                   ""                                  },
    {"en", "HELP",                                         CMD_HELP,       "",                   ""                                  },
    {"en", "/help",                                        CMD_HELP,       "",                   ""                                  },
    {"en", "/wo WO-20241201-ABC123",                       CMD_SHOW,       "WO-20241201-ABC123", ""                                  },
    {"en", "MORE",                                         CMD_MORE,       "",                   ""                                  },
 /* case, blanks, slash, punctuation, emoji, WhatsApp's bold */
    {"en", "  my   work  ",                                CMD_MY_WORK,    "",                   ""                                  },
    {"en", "My Work!",                                     CMD_MY_WORK,    "",                   ""                                  },
    {"en", "/start wo-12.",                                CMD_START,      "wo-12",              ""                                  },
    {"en", "*ACK*",                                        CMD_ACK,        "",                   ""                                  },
    {"en", "ack \xf0\x9f\x91\x8d",                         CMD_ACK,        "",                   ""                                  },
    {"en", "\xe2\x9c\x85 complete WO-12 \xe2\x9c\x85",     CMD_COMPLETE,   "WO-12",              ""                                  },
    {"en", "my\nwork",                                     CMD_MY_WORK,    "",                   ""                                  },
    {"en", "\xef\xbc\xa1\xef\xbc\xa3\xef\xbc\xab",         CMD_ACK,        "",                   ""                                  }, /* full width */
    {"en", "my work please",                               CMD_MY_WORK,    "",                   ""                                  },
 /* ways to write an order */
    {"en", "start wo 12",                                  CMD_START,      "12",                 ""                                  },
    {"en", "start work order number 12",                   CMD_START,      "12",                 ""                                  },
    {"en", "start work on the pump",                       CMD_NONE,       "",                   "start work on the pump"            },
    {"en", "start #1234",                                  CMD_START,      "#1234",              ""                                  },
    {"en", "start abc123",                                 CMD_START,      "abc123",             ""                                  },
    {"en", "WO 123",                                       CMD_SHOW,       "123",                ""                                  },
    {"en", "wo#123",                                       CMD_SHOW,       "wo#123",             ""                                  },
    {"en", "WO-123",                                       CMD_SHOW,       "WO-123",             ""                                  },
    {"en", "wo-abc",                                       CMD_SHOW,       "wo-abc",             ""                                  },
    {"en", "ABC123",                                       CMD_SHOW,       "ABC123",             ""                                  },
    {"en", "/wo abc",                                      CMD_SHOW,       "abc",                ""                                  },
    {"en", "/wo",                                          CMD_SHOW,       "",                   ""                                  },
    {"en", "view details",                                 CMD_SHOW,       "",                   ""                                  },
    {"en", "WO-123 start",                                 CMD_START,      "WO-123",             ""                                  },
    {"en", "WO-123 note new seal",                         CMD_NOTE,       "WO-123",             "new seal"                          },
    {"en", "WO-123 bearing",                               CMD_NONE,       "WO-123",             "WO-123 bearing"                    },
    {"en", "complete WO-12 new seal fitted",               CMD_COMPLETE,   "WO-12",              "new seal fitted"                   },
 /* not commands */
    {"en", "start the pump",                               CMD_NONE,       "",                   "start the pump"                    },
    {"en", "start 2 pumps",                                CMD_NONE,       "",                   "start 2 pumps"                     },
    {"en", "complete shutdown of line 3",                  CMD_NONE,       "",                   "complete shutdown of line 3"       },
    {"en", "order parts",                                  CMD_NONE,       "",                   "order parts"                       },
    {"en", "pending parts",                                CMD_NONE,       "",                   "pending parts"                     },
    {"en", "status of the pump is bad",                    CMD_NONE,       "",                   "status of the pump is bad"         },
    {"en", "HELP ME",                                      CMD_HELP_ME,    "",                   ""                                  },
    {"en", "help me!!",                                    CMD_HELP_ME,    "",                   ""                                  },
    {"en", "help, the machine is on fire",                 CMD_NONE,       "",                   "help, the machine is on fire"      },
    {"en", "stop the machine",                             CMD_NONE,       "",                   "stop the machine"                  },
    {"en", "stop please",                                  CMD_NONE,       "",                   "stop please"                       },
    {"en", "stop all machines",                            CMD_NONE,       "",                   "stop all machines"                 },
    {"en", "hello there",                                  CMD_NONE,       "",                   "hello there"                       },
    {"en", "",                                             CMD_NONE,       "",                   ""                                  },
    {"en", "   ",                                          CMD_NONE,       "",                   ""                                  },
    {"en", "\xf0\x9f\x91\x8d",                             CMD_NONE,       "",                   "\xf0\x9f\x91\x8d"                  },
 /* opting out */
    {"en", "WO-12 stop",                                   CMD_NONE,       "WO-12",              "WO-12 stop"                        },
    {"en", "WO-12 help",                                   CMD_NONE,       "WO-12",              "WO-12 help"                        },
    {"en", "WO-12 my work",                                CMD_NONE,       "WO-12",              "WO-12 my work"                     },
    {"en", "STOP",                                         CMD_STOP,       "",                   ""                                  },
    {"en", "Stop.",                                        CMD_STOP,       "",                   ""                                  },
    {"en", "STOP ALL",                                     CMD_STOP_ALL,   "",                   ""                                  },
    {"en", "stop  all!",                                   CMD_STOP_ALL,   "",                   ""                                  },
 /* notes */
    {"en", "NOTE WO-12 all good",                          CMD_NOTE,       "WO-12",              "all good"                          },
    {"en", "note: belt is loose",                          CMD_NOTE,       "",                   "belt is loose"                     },
    {"en", "NOTE 3 bolts missing",                         CMD_NOTE,       "",                   "3 bolts missing"                   },
    {"en", "NOTE 2024-001 bolts missing",                  CMD_NOTE,       "2024-001",           "bolts missing"                     },
    {"en", "NOTE",                                         CMD_NOTE,       "",                   ""                                  },
    {"en", "DELAY 2 hours, no parts",                      CMD_DELAY,      "",                   "2 hours, no parts"                 },
    {"en", "DELAY WO 12 no parts",                         CMD_DELAY,      "12",                 "no parts"                          },
    {"en", "ESCALATE WO-12 too heavy",                     CMD_ESCALATE,   "WO-12",              "too heavy"                         },
    {"en", "escalate 12",                                  CMD_ESCALATE,   "12",                 ""                                  },
    {"en", "note 50% worn",                                CMD_NOTE,       "",                   "50% worn"                          },
 /* help and language */
    {"en", "HELP note",                                    CMD_HELP,       "",                   "note"                              },
    {"en", "help my work",                                 CMD_HELP,       "",                   "my work"                           },
    {"en", "help foo",                                     CMD_HELP,       "",                   "foo"                               },
    {"en", "LANGUAGE es",                                  CMD_LANGUAGE,   "",                   "es"                                },
    {"en", "language Espa\xc3\xb1ol",                      CMD_LANGUAGE,   "",                   "Espa\xc3\xb1ol"                    },
    {"en", "LANGUAGE",                                     CMD_LANGUAGE,   "",                   ""                                  },
 /* the other languages, in which English works as well */
    {"es", "MIS TRABAJOS",                                 CMD_MY_WORK,    "",                   ""                                  },
    {"es", "mis órdenes",                                 CMD_MY_WORK,    "",                   ""                                  },
    {"es", "MIS ÓRDENES",                                 CMD_MY_WORK,    "",                   ""                                  },
    {"es", "my work",                                      CMD_MY_WORK,    "",                   ""                                  },
    {"es", "Enterado",                                     CMD_ACK,        "",                   ""                                  },
    {"es", "RECIBIDO WO-12",                               CMD_ACK,        "WO-12",              ""                                  },
    {"es", "empezar la orden 12",                          CMD_START,      "12",                 ""                                  },
    {"es", "empezar trabajo WO-12 por favor",              CMD_START,      "WO-12",              ""                                  },
    {"es", "Terminar WO-12",                               CMD_COMPLETE,   "WO-12",              ""                                  },
    {"es", "completar",                                    CMD_COMPLETE,   "",                   ""                                  },
    {"es", "Nota: cambié el rodamiento",                  CMD_NOTE,       "",                   "cambié el rodamiento"             },
    {"es", "OT 123",                                       CMD_SHOW,       "123",                ""                                  },
    {"es", "¿estado?",                                    CMD_STATUS,     "",                   ""                                  },
    {"es", "MÁS",                                         CMD_MORE,       "",                   ""                                  },
    {"es", "más",                                         CMD_MORE,       "",                   ""                                  },
    {"es", "baja",                                         CMD_STOP,       "",                   ""                                  },
    {"es", "baja total",                                   CMD_STOP_ALL,   "",                   ""                                  },
    {"es", "stop",                                         CMD_STOP,       "",                   ""                                  },
    {"es", "baja la presión",                             CMD_NONE,       "",                   "baja la presión"                  },
    {"es", "Ayuda por favor",                              CMD_HELP,       "",                   ""                                  },
    {"es", "¡A salvo!",                                   CMD_SAFE,       "",                   ""                                  },
    {"en", "safe",                                         CMD_SAFE,       "",                   ""                                  },
    {"en", "safe to start?",                               CMD_NONE,       "",                   "safe to start?"                    },
    {"hi", "मदद करो",                          CMD_HELP_ME,    "",                   ""                                  },
    {"es", "ayuda",                                        CMD_HELP,       "",                   ""                                  },
    {"es", "help me",                                      CMD_HELP_ME,    "",                   ""                                  },
    {"es", "idioma inglés",                               CMD_LANGUAGE,   "",                   "inglés"                           },
    {"es", "voy",                                          CMD_RESPONDING, "",                   ""                                  },
    {"en", "mis trabajos",                                 CMD_NONE,       "",                   "mis trabajos"                      },
    {"hi", "मेरा काम",                       CMD_MY_WORK,    "",                   ""                                  },
    {"hi", "मेरा काम।",                    CMD_MY_WORK,    "",                   ""                                  },
    {"hi", "शुरू करें WO-12",              CMD_START,      "WO-12",              ""                                  },
    {"hi", "काम शुरू करें",          CMD_START,      "",                   ""                                  },
    {"hi", "शुरू १२३",                       CMD_START,      "123",                ""                                  },
    {"hi", "पूरा WO-12",                           CMD_COMPLETE,   "WO-12",              ""                                  },
    {"hi", "नोट बेयरिंग बदला", CMD_NOTE,       "",                   "बेयरिंग बदला"},
    {"hi", "सुपरवाइजर",                  CMD_ESCALATE,   "",                   ""                                  }, /* without its nukta */
    {"hi", "आ रहा हूं",                      CMD_RESPONDING, "",                   ""                                  }, /* anusvara for chandrabindu */
    {"hi", "मदद",                                    CMD_HELP,       "",                   ""                                  },
    {"hi", "START WO-12",                                  CMD_START,      "WO-12",              ""                                  },
    {"ar", "أعمالي",                                 CMD_MY_WORK,    "",                   ""                                  },
    {"ar", "اعمالي",                                 CMD_MY_WORK,    "",                   ""                                  }, /* without hamza */
    {"ar", "استلام WO-12",                           CMD_ACK,        "WO-12",              ""                                  },
    {"ar", "ابدأ أمر العمل ١٢",              CMD_START,      "12",                 ""                                  },
    {"ar", "إنهاء",                                   CMD_COMPLETE,   "",                   ""                                  },
    {"ar", "انهاء",                                   CMD_COMPLETE,   "",                   ""                                  },
    {"ar", "ملاحظه الحزام مرتخٍ",         CMD_NOTE,       "",                   "الحزام مرتخٍ"           },
    {"ar", "المساعدة؟",                           CMD_HELP,       "",                   ""                                  },
    {"ar", "مساعدة من فضلك",                   CMD_HELP,       "",                   ""                                  },
    {"ar", "مساعدة عاجلة",                      CMD_HELP_ME,    "",                   ""                                  },
    {"ar", "تصعيد",                                   CMD_ESCALATE,   "",                   ""                                  },
    {"ar", "أوقف الماكينة",                    CMD_NONE,       "",                   "أوقف الماكينة"         },
    {"ar", "ابدأ \u2068WO-12\u2069",                   CMD_START,      "wo-12",              ""                                  },
    {"pt", "MEUS TRABALHOS",                               CMD_MY_WORK,    "",                   ""                                  },
    {"pt", "ciente WO-12",                                 CMD_ACK,        "WO-12",              ""                                  },
    {"pt", "COMECAR",                                      CMD_START,      "",                   ""                                  }, /* without cedilla */
    {"pt", "iniciar OS 12",                                CMD_START,      "12",                 ""                                  },
    {"pt", "OS 123",                                       CMD_SHOW,       "123",                ""                                  },
    {"pt", "nota os 12 parafusos trocados",                CMD_NOTE,       "",                   "os 12 parafusos trocados"          },
    {"pt", "concluir ordem de serviço 12",                CMD_COMPLETE,   "12",                 ""                                  },
    {"pt", "me ajuda",                                     CMD_HELP_ME,    "",                   ""                                  },
    {"pt", "ajuda nota",                                   CMD_HELP,       "",                   "nota"                              },
    {"pt", "parar",                                        CMD_STOP,       "",                   ""                                  },
    {"pt", "parar a máquina",                             CMD_NONE,       "",                   "parar a máquina"                  },
    {"pt", "SAIR DE TUDO",                                 CMD_STOP_ALL,   "",                   ""                                  },
    {"pt", "my work",                                      CMD_MY_WORK,    "",                   ""                                  },
    {"fr", "MES TRAVAUX",                                  CMD_MY_WORK,    "",                   ""                                  },
    {"fr", "Recu BT 12",                                   CMD_ACK,        "12",                 ""                                  },
    {"fr", "démarrer le bon n° 12",                      CMD_START,      "12",                 ""                                  },
    {"fr", "commencer WO-12 s'il vous plaît",             CMD_START,      "WO-12",              ""                                  },
    {"fr", "terminer",                                     CMD_COMPLETE,   "",                   ""                                  },
    {"fr", "REMARQUE joint changé",                       CMD_NOTE,       "",                   "joint changé"                     },
    {"fr", "retard pièces manquantes",                    CMD_DELAY,      "",                   "pièces manquantes"                },
    {"fr", "aide-moi",                                     CMD_HELP_ME,    "",                   ""                                  },
    {"fr", "Au secours !",                                 CMD_HELP_ME,    "",                   ""                                  },
    {"fr", "aide",                                         CMD_HELP,       "",                   ""                                  },
    {"fr", "J’arrive",                                   CMD_RESPONDING, "",                   ""                                  },
    {"fr", "stop tout",                                    CMD_STOP_ALL,   "",                   ""                                  },
    {"fr", "stop la machine",                              CMD_NONE,       "",                   "stop la machine"                   },
    {"fr", "a faire",                                      CMD_PENDING,    "",                   ""                                  },
    {"fr", "my work",                                      CMD_MY_WORK,    "",                   ""                                  },
    {"ar", "MY WORK",                                      CMD_MY_WORK,    "",                   ""                                  },
};

static void test_parse(void)
{
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct command_call got;

        command_parse(a, str_of(rows[i].text), lang(rows[i].lang), &got);
        CHECK_Z(rows[i].text, str_of(command_name(got.id)), command_name(rows[i].id));
        CHECK_Z(rows[i].text, got.order, rows[i].order);
        CHECK_Z(rows[i].text, got.rest, rows[i].rest);
    }
    arena_free(&a);
}

static const struct {
    const char *lang, *text, *order;
    bool ok, explicit_;
    enum order_status status;
} status_rows[] = {
    {"en", "/status WO-20241201-ABC123 completed",      "WO-20241201-ABC123", true,  true,
     ORDER_COMPLETED                                                                                         },
    {"en", "/status WO-1 in progress",                  "WO-1",               true,  true,  ORDER_IN_PROGRESS},
    {"en", "STATUS WO-1 in_progress",                   "WO-1",               true,  true,  ORDER_IN_PROGRESS},
    {"en", "status 12 done",                            "12",                 true,  true,  ORDER_COMPLETED  },
    {"en", "status done wo 12",                         "12",                 true,  true,  ORDER_COMPLETED  },
    {"en", "status wo 12 on hold please",               "12",                 true,  true,  ORDER_ON_HOLD    },
    {"en", "STATUS in progress",                        "",                   true,  false, ORDER_IN_PROGRESS},
    {"en", "/status abc cancelled",                     "abc",                true,  true,  ORDER_CANCELLED  },
    {"en", "STATUS WO-1 strange",                       "WO-1",               false, false, ORDER_OPEN       },
    {"es", "/status WO-1 terminado",                    "WO-1",               true,  true,  ORDER_COMPLETED  },
    {"es", "estado OT 12 en curso",                     "12",                 true,  true,  ORDER_IN_PROGRESS},
    {"es", "status WO-1 on hold",                       "WO-1",               true,  true,  ORDER_ON_HOLD    },
    {"hi", "स्थिति WO-123 जारी",    "WO-123",             true,  true,  ORDER_IN_PROGRESS},
    {"ar", "الحالة WO-123 قيد التنفيذ", "WO-123",             true,  true,  ORDER_IN_PROGRESS},
    {"ar", "الحالة ١٢ ملغي",                "12",                 true,  true,  ORDER_CANCELLED  },
    {"pt", "status OS 12 em andamento",                 "12",                 true,  true,  ORDER_IN_PROGRESS},
    {"pt", "status WO-1 concluida",                     "WO-1",               true,  true,  ORDER_COMPLETED  },
    {"fr", "statut WO-1 en attente",                    "WO-1",               true,  true,  ORDER_ON_HOLD    },
    {"fr", "statut BT 12 annulé",                      "12",                 true,  true,  ORDER_CANCELLED  },
    {"en", "WO-12 status open",                         "WO-12",              true,  true,  ORDER_OPEN       },
};

static void test_set_status(void)
{
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(status_rows); i++) {
        const char *label = status_rows[i].text;
        struct command_call got;

        command_parse(a, str_of(label), lang(status_rows[i].lang), &got);
        CHECK_INT(label, got.id, CMD_SET_STATUS);
        CHECK_Z(label, got.order, status_rows[i].order);
        CHECK_INT(label, got.status_ok, status_rows[i].ok);
        CHECK_INT(label, got.explicit_, status_rows[i].explicit_);
        if (status_rows[i].ok) {
            CHECK_INT(label, got.status, status_rows[i].status);
        }
    }
    arena_free(&a);
}

static void test_says(void)
{
    static const struct {
        const char *lang, *text, *order;
        bool done, started, yes, no;
        int64_t number;
    } says[] = {
        {"en", "Completed",                  "",      true,  false, false, false, 0},
        {"en", "done \xe2\x9c\x85",          "",      true,  false, false, false, 0},
        {"en", "Done, thanks",               "",      true,  false, false, false, 0},
        {"en", "It\xe2\x80\x99s done!",      "",      true,  false, false, false, 0},
        {"en", "not done",                   "",      false, false, false, false, 0},
        {"en", "WO-12 done",                 "WO-12", true,  false, false, false, 0},
        {"en", "working on it",              "",      false, true,  false, false, 0},
        {"en", "Yes",                        "",      false, false, true,  false, 0},
        {"en", "no",                         "",      false, false, false, true,  0},
        {"en", "2",                          "2",     false, false, false, false, 2},
        {"en", "2.",                         "2",     false, false, false, false, 2},
        {"en", "2\xef\xb8\x8f\xe2\x83\xa3",  "2",     false, false, false, false, 2},
        {"en", "\xd9\xa2",                   "2",     false, false, false, false, 2},
        {"en", "\xe0\xa5\xa8",               "2",     false, false, false, false, 2},
        {"es", "terminado",                  "",      true,  false, false, false, 0},
        {"es", "¡Ya está hecho! ✅",      "",      true,  false, false, false, 0},
        {"es", "todavía no",                "",      false, false, false, true,  0},
        {"es", "Sí",                        "",      false, false, true,  false, 0},
        {"es", "done",                       "",      true,  false, false, false, 0},
        {"hi", "पूरा हुआ",     "",      true,  false, false, false, 0},
        {"hi", "काम हो गया", "",      true,  false, false, false, 0},
        {"hi", "हां",                  "",      false, false, true,  false, 0},
        {"ar", "تم",                       "",      true,  false, false, false, 0},
        {"ar", "تمّ",                     "",      true,  false, false, false, 0},
        {"ar", "بدأت العمل",        "",      false, true,  false, false, 0},
        {"ar", "نعم",                     "",      false, false, true,  false, 0},
        {"ar", "لم يتم",                "",      false, false, false, false, 0},
        {"pt", "concluído ✅",             "",      true,  false, false, false, 0},
        {"pt", "Concluido",                  "",      true,  false, false, false, 0},
        {"pt", "já terminei",               "",      true,  false, false, false, 0},
        {"pt", "estou trabalhando nisso",    "",      false, true,  false, false, 0},
        {"pt", "sim",                        "",      false, false, true,  false, 0},
        {"pt", "ainda nao",                  "",      false, false, false, true,  0},
        {"pt", "não está pronto",          "",      false, false, false, false, 0},
        {"fr", "Terminé !",                 "",      true,  false, false, false, 0},
        {"fr", "C’est fait ✅",           "",      true,  false, false, false, 0},
        {"fr", "j'ai fini",                  "",      true,  false, false, false, 0},
        {"fr", "en cours",                   "",      false, true,  false, false, 0},
        {"fr", "d’accord",                 "",      false, false, true,  false, 0},
        {"fr", "pas encore",                 "",      false, false, false, true,  0},
        {"fr", "pas fini",                   "",      false, false, false, false, 0},
        {"es", "llegaron las piezas",        "",      false, false, false, false, 0},
        {"en", "the belt is done for",       "",      false, false, false, false, 0},
    };
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(says); i++) {
        struct command_call got;

        command_parse(a, str_of(says[i].text), lang(says[i].lang), &got);
        CHECK_INT(says[i].text, got.id, CMD_NONE);
        CHECK_INT(says[i].text, got.says_done, says[i].done);
        CHECK_INT(says[i].text, got.says_started, says[i].started);
        CHECK_INT(says[i].text, got.says_yes, says[i].yes);
        CHECK_INT(says[i].text, got.says_no, says[i].no);
        CHECK_INT(says[i].text, got.number, says[i].number);
        CHECK_Z(says[i].text, got.order, says[i].order);
    }
    arena_free(&a);
}

static void test_nearest(void)
{
    static const struct {
        const char *text, *first;
    } near[] = {
        {"strat",                "START"   },
        {"compelte",             "COMPLETE"},
        {"strat WO-12",          "START"   },
        {"my wrk",               "MY WORK" },
        {"esc",                  "ESCALATE"},
        {"status foo",           "STATUS"  },
        {"stop pump",            ""        },
        {"hello",                ""        },
        {"pump is broken again", ""        },
        {"complette",            "COMPLETE"},
        {"hlep",                 "HELP"    },
        {"xyzzy plugh",          ""        },
    };
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(near); i++) {
        struct command_call got;

        command_parse(a, str_of(near[i].text), lang("en"), &got);
        CHECK_INT(near[i].text, got.id, CMD_NONE);
        CHECK_Z(near[i].text, got.nnearest == 0 ? STR("") : got.nearest[0], near[i].first);
    }
    arena_free(&a);
}

static void test_order_numbers(void)
{
    static const struct {
        const char *number, *typed;
        enum order_match match;
    } match[] = {
        {"WO-20241201-ABC123", "abc123",                   MATCH_ENDING},
        {"WO-20241201-ABC123", "wo-20241201-abc123",       MATCH_EXACT },
        {"WO-20241201-ABC123", "20241201-ABC123",          MATCH_EXACT },
        {"WO-123",             "123",                      MATCH_EXACT },
        {"WO-123",             "#123",                     MATCH_EXACT },
        {"WO-123",             "wo 123",                   MATCH_EXACT },
        {"WO123",              "wo-123",                   MATCH_EXACT },
        {"1234",               "WO#1234",                  MATCH_EXACT },
        {"WO-123",             "23",                       MATCH_ENDING},
        {"WO-123",             "124",                      MATCH_NO    },
        {"WO-123",             "0WO-123",                  MATCH_NO    },
        {"WO-123",             "",                         MATCH_NO    },
        {"WO-123",             "#",                        MATCH_NO    },
        {"WO-123",             "\xd9\xa1\xd9\xa2\xd9\xa3", MATCH_EXACT }, /* Arabic digits */
    };
    static const struct {
        const char *text;
        bool like;
    } like[] = {
        {"WO-123", true },
        {"123",    true },
        {"wo-abc", true },
        {"abc",    false},
        {"50%",    false},
        {"",       false},
        {"wo-",    false},
        {"#12",    true },
        {"it's",   false},
    };
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(match); i++) {
        CHECK_INT(match[i].typed,
                  command_order_match(str_of(match[i].number), str_of(match[i].typed)),
                  match[i].match);
    }
    for (size_t i = 0; i < ARRAY_LEN(like); i++) {
        CHECK_INT(like[i].text, command_order_like(str_of(like[i].text)), like[i].like);
    }
    CHECK_Z("canonical", command_order_canonical(a, STR(" wo-2024-ab1 ")), "2024-AB1");
    CHECK_Z("canonical", command_order_canonical(a, STR("Working1")), "WORKING1");
    arena_free(&a);
}

static void test_sure(void)
{
    struct arena *a = arena_new();
    struct command_call got;

    command_parse(a, STR("NOTE 1500 rpm"), lang("en"), &got);
    CHECK_Z("guess", got.order, "1500");
    CHECK("guess", !got.order_sure);
    CHECK_Z("guess", got.whole, "1500 rpm");
    command_parse(a, STR("NOTE wo 12 rpm"), lang("en"), &got);
    CHECK("sure", got.order_sure);
    CHECK_Z("sure", got.order, "12");
    arena_free(&a);
}

static void test_names(void)
{
    CHECK_INT("slash", command_named(lang("en"), STR("/MY  work")), CMD_MY_WORK);
    CHECK_INT("unknown", command_named(lang("en"), STR("foo")), CMD_NONE);
    CHECK_Z("name", str_of(command_name(CMD_MY_WORK)), "my_work");
}

/* Whatever comes is parsed; long and broken texts cost no more than short ones. */
static void test_hostile(void)
{
    static const char *const ends[] = {"\xff", "\xe2\x82", "\xf0\x9f", "\xc3"};
    struct arena *a = arena_new();
    struct command_call got;
    char *big = mem_new(70000);

    memset(big, 'a', 70000);
    command_parse(a, str_make(big, 70000), lang("en"), &got);
    CHECK_INT("long word", got.id, CMD_NONE);
    memset(big, ' ', 70000);
    memcpy(big + 60000, "ack", 3);
    command_parse(a, str_make(big, 70000), lang("en"), &got);
    CHECK_INT("late word", got.id, CMD_ACK);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t n = strlen(ends[i]);

        memcpy(big, "ack ", 4);
        memcpy(big + 4, ends[i], n);
        command_parse(a, str_make(big, 4 + n), lang("en"), &got);
        CHECK("broken UTF-8", got.id == CMD_ACK || got.id == CMD_NONE);
    }
    mem_free(&big);
    arena_free(&a);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_parse),         TEST(test_set_status), TEST(test_says),  TEST(test_nearest),
        TEST(test_order_numbers), TEST(test_sure),       TEST(test_names), TEST(test_hostile),
    };
    int rc;

    if (!i18n_new(NULL, &texts, NULL)) {
        return 1;
    }
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    i18n_free(&texts);
    return rc;
}
