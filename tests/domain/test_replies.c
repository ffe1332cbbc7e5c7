/*
 * What people answer to an order's message in their own words, as they type it on a phone: with and
 * without accents, nukta, vowel signs, hamza, tatweel; with emoji, thanks and punctuation. 'd'
 * done, 's' started, 'y' yes, 'n' no, '-' none of these: it becomes a note or a question, never a
 * step.
 */
#include "domain/command.h"

#include "harness.h"

static struct i18n *texts;

struct row {
    const char *text;
    char says;
};

static char said(const struct command_call *c)
{
    return c->id != CMD_NONE ? 'c'
           : c->says_done    ? 'd'
           : c->says_started ? 's'
           : c->says_yes     ? 'y'
           : c->says_no      ? 'n'
                             : '-';
}

static void check_rows(const char *code, const struct row *rows, size_t n)
{
    const struct lang *l = i18n_lang(texts, str_of(code), STR(""));
    struct arena *a = arena_new();

    for (size_t i = 0; i < n; i++) {
        struct command_call c;
        char got[2] = "", want[2] = {rows[i].says, '\0'};

        command_parse(a, str_of(rows[i].text), l, &c);
        got[0] = said(&c);
        CHECK_Z(rows[i].text, str_of(got), want);
    }
    arena_free(&a);
}

static void test_english(void)
{
    static const struct row rows[] = {
        {"Completed",               'd'},
        {"done ✅",                'd'},
        {"Done!!!",                 'd'},
        {"ok done",                 'd'},
        {"Yes, done.",              'd'},
        {"It’s done 👍",        'd'},
        {"its finished",            'd'},
        {"All done, thanks",        'd'},
        {"job done thx",            'd'},
        {"Fixed it",                'd'},
        {"I finished",              'd'},
        {"I have finished",         'd'},
        {"work completed",          'd'},
        {"completed now",           'd'},
        {"repaired",                'd'},
        {"Started",                 's'},
        {"on it",                   's'},
        {"I'm on it",               's'},
        {"working on it now",       's'},
        {"yes please",              'y'},
        {"OK 👌",                 'y'},
        {"No, thanks",              'n'},
        {"not done",                '-'},
        {"not done yet",            'n'},
        {"not yet",                 'n'},
        {"is it done?",             '-'},
        {"done soon",               '-'},
        {"half done",               '-'},
        {"will be done tomorrow",   '-'},
        {"no it is not finished",   '-'},
        {"parts arrived",           '-'},
        {"the bearing is done for", '-'},
        {"never done that",         '-'},
        {"I can't get it done",     '-'},
        {"✅",                     '-'},
        {"👍",                    '-'},
    };

    check_rows("en", rows, ARRAY_LEN(rows));
}

static void test_spanish(void)
{
    static const struct row rows[] = {
        {"terminado",                'd'},
        {"TERMINADO ✅",            'd'},
        {"ya terminé",              'd'},
        {"ya termine",               'd'},
        {"Ya está listo",           'd'},
        {"ya esta",                  'd'},
        {"listo, gracias",           'd'},
        {"Listo jefe",               'd'},
        {"Hecho!",                   'd'},
        {"ya quedó",                'd'},
        {"ya quedo listo",           'd'},
        {"quedó listo",             'd'},
        {"trabajo terminado",        'd'},
        {"sí, terminado",           'd'},
        {"ok listo",                 'd'},
        {"reparada",                 'd'},
        {"ya lo terminé",           'd'},
        {"Completada 👍",          'd'},
        {"empezado",                 's'},
        {"ya empecé",               's'},
        {"ya empece",                's'},
        {"estoy en eso",             's'},
        {"estoy trabajando en ello", 's'},
        {"si",                       'y'},
        {"Sí, claro",               'y'},
        {"no",                       'n'},
        {"todavia no",               'n'},
        {"aún no",                  'n'},
        {"aun no esta listo",        '-'},
        {"no terminado",             '-'},
        {"no está listo",           '-'},
        {"casi listo",               '-'},
        {"¿está terminado?",       '-'},
        {"llegaron las piezas",      '-'},
        {"terminado mañana",        '-'},
        {"done",                     'd'},
    };

    check_rows("es", rows, ARRAY_LEN(rows));
}

static void test_hindi(void)
{
    static const struct row rows[] = {
        {"पूरा हुआ",                            'd'},
        {"पूरा हो गया ✅",                 'd'},
        {"काम पूरा हो गया है।", 'd'},
        {"हो गया",                                  'd'},
        {"हो गया सर",                           'd'},
        {"हां हो गया",                        'd'},
        {"काम हो गया जी",                 'd'},
        {"ठीक कर दिया",                     'd'},
        {"काम ख़त्म",                         'd'},
        {"काम खत्म",                            'd'},
        {"खत्म हो गया",                     'd'},
        {"मरम्मत हो गई",                  'd'},
        {"कम्पलीट",                             'd'},
        {"कंप्लीट हो गया",            'd'},
        {"ho gaya",                                           'd'},
        {"Kaam ho gaya ✅",                                  'd'},
        {"pura ho gaya",                                      'd'},
        {"kar diya",                                          'd'},
        {"done sir",                                          'd'},
        {"शुरू कर दिया",                  's'},
        {"शुरु कर दिया",                  's'},
        {"काम शुरू किया",               's'},
        {"काम चालू है",                     's'},
        {"kaam chalu hai",                                    's'},
        {"shuru kar diya",                                    's'},
        {"कर रहा हूं",                        's'},
        {"कर रहा हूँ",                        's'},
        {"हाँ",                                         'y'},
        {"हां",                                         'y'},
        {"हा",                                            'y'},
        {"जी हां",                                  'y'},
        {"haan ji",                                           'y'},
        {"ठीक है",                                  'y'},
        {"नहीं",                                      'n'},
        {"नही",                                         'n'},
        {"अभी नहीं",                            'n'},
        {"nahi",                                              'n'},
        {"अभी नहीं हुआ",                  '-'},
        {"पूरा नहीं हुआ",               '-'},
        {"nahi hua",                                          '-'},
        {"कल पूरा होगा",                  '-'},
        {"पुर्ज़े आ गए",                  '-'},
        {"हो गया क्या",                     '-'},
    };

    check_rows("hi", rows, ARRAY_LEN(rows));
}

static void test_arabic(void)
{
    static const struct row rows[] = {
        {"تم",                       'd'},
        {"تَمَّ",                 'd'},
        {"تـــم ✅",             'd'},
        {"تم الإنجاز",        'd'},
        {"تم الانجاز",        'd'},
        {"تم إنجازه",          'd'},
        {"تم العمل شكرا",   'd'},
        {"نعم تم",                'd'},
        {"انتهى",                 'd'},
        {"إنتهى",                 'd'},
        {"انتهي",                 'd'},
        {"انتهينا",             'd'},
        {"إنتهيت",               'd'},
        {"خلصت",                   'd'},
        {"خلّصت الشغل",      'd'},
        {"خلاص تم",              'd'},
        {"أكملت العمل",      'd'},
        {"اكملت العمل",      'd'},
        {"جاهز 👍",              'd'},
        {"تم التصليح",        'd'},
        {"تم إصلاح العطل", 'd'},
        {"تم بحمد الله",     'd'},
        {"الحمد لله تم",     'd'},
        {"بدأت",                   's'},
        {"بدات",                   's'},
        {"بديت",                   's'},
        {"بدأت الشغل",        's'},
        {"شغال عليه",          's'},
        {"جاري العمل",        's'},
        {"نعم",                     'y'},
        {"أيوه",                   'y'},
        {"ايوه",                   'y'},
        {"تمام",                   'y'},
        {"لا",                       'n'},
        {"لأ",                       'n'},
        {"ليس بعد",              'n'},
        {"مو الآن",              'n'},
        {"لم يتم",                '-'},
        {"لم ينتهِ بعد",     '-'},
        {"ما خلصت",              '-'},
        {"هل تم؟",                '-'},
        {"وصلت القطع",        '-'},
        {"سيتم غدا",            '-'},
    };

    check_rows("ar", rows, ARRAY_LEN(rows));
}

static void test_portuguese(void)
{
    static const struct row rows[] = {
        {"concluído",              'd'},
        {"concluido ✅",           'd'},
        {"Concluí",                'd'},
        {"já terminei",            'd'},
        {"ja terminei",             'd'},
        {"Pronto!",                 'd'},
        {"tá pronto",              'd'},
        {"ta pronto, obrigado",     'd'},
        {"já está feito",         'd'},
        {"feito chefe",             'd'},
        {"serviço concluído",     'd'},
        {"servico feito",           'd'},
        {"ok, feito",               'd'},
        {"consertado",              'd'},
        {"arrumei",                 'd'},
        {"tudo certo, terminado",   'd'},
        {"acabei de terminar",      'd'},
        {"comecei",                 's'},
        {"já comecei",             's'},
        {"tô nisso",               's'},
        {"estou trabalhando nisso", 's'},
        {"em andamento",            's'},
        {"sim",                     'y'},
        {"Sim, por favor",          'y'},
        {"tá",                     'y'},
        {"não",                    'n'},
        {"nao",                     'n'},
        {"ainda não",              'n'},
        {"agora nao",               'n'},
        {"não terminei",           '-'},
        {"ainda não está pronto", '-'},
        {"quase pronto",            '-'},
        {"as peças chegaram",      '-'},
        {"vou terminar amanhã",    '-'},
        {"está pronto?",           '-'},
    };

    check_rows("pt", rows, ARRAY_LEN(rows));
}

static void test_french(void)
{
    static const struct row rows[] = {
        {"terminé",                   'd'},
        {"termine ✅",                'd'},
        {"Terminé !",                 'd'},
        {"C’est fait",               'd'},
        {"c'est fait merci",           'd'},
        {"cest fait",                  'd'},
        {"c est fini",                 'd'},
        {"j'ai fini",                  'd'},
        {"J’ai terminé 👍",       'd'},
        {"jai fini",                   'd'},
        {"fini chef",                  'd'},
        {"oui c'est fait",             'd'},
        {"ok terminé",                'd'},
        {"travail terminé",           'd'},
        {"c'est réparé",             'd'},
        {"réparé",                   'd'},
        {"tout est bon",               'd'},
        {"j'ai réparé",              'd'},
        {"commencé",                  's'},
        {"j'ai commencé",             's'},
        {"je suis dessus",             's'},
        {"en cours",                   's'},
        {"je m’en occupe",           's'},
        {"oui",                        'y'},
        {"Oui, s’il vous plaît",    'y'},
        {"d’accord",                 'y'},
        {"non",                        'n'},
        {"non merci",                  'n'},
        {"pas encore",                 'n'},
        {"pas terminé",               '-'},
        {"ce n'est pas fini",          '-'},
        {"presque fini",               '-'},
        {"est-ce que c'est fait ?",    '-'},
        {"c'est fait ?",               '-'},
        {"les pièces sont arrivées", '-'},
        {"terminé demain",            '-'},
    };

    check_rows("fr", rows, ARRAY_LEN(rows));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_english), TEST(test_spanish),    TEST(test_hindi),
        TEST(test_arabic),  TEST(test_portuguese), TEST(test_french),
    };
    int rc;

    if (!i18n_new(NULL, &texts, NULL)) {
        return 1;
    }
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    i18n_free(&texts);
    return rc;
}
