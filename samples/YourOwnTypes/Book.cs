using Conductor;

namespace YourOwnTypes;

/// <summary>The words of this program: its own types of agent, and its own phases. Any name does.</summary>
internal static class Book
{
    /// <summary>Translates texts.</summary>
    public static AgentType Translator { get; } = new("translator");

    /// <summary>Reads a translation once more.</summary>
    public static AgentType Proofreader { get; } = new("proofreader");

    /// <summary>Puts texts on a page.</summary>
    public static AgentType Typesetter { get; } = new("typesetter");

    /// <summary>The first phase.</summary>
    public static WorkflowPhase Translation { get; } = new("translation");

    /// <summary>The second phase.</summary>
    public static WorkflowPhase Print { get; } = new("print");

    /// <summary>One page in two languages: the translations run side by side, the page waits for both.</summary>
    /// <param name="text">What stands on the page.</param>
    public static WorkflowDefinition PageOf(string text) => WorkflowDefinition.Create("bilingual page", version: "1")
        .Phase(Translation, phase =>
        {
            var german = phase.Task("german", Translator, new Document { Text = text, To = "de" });
            var french = phase.Task("french", Translator, new Document { Text = text, To = "fr" });
            phase.Task("proofread", Proofreader).After(german, french);
        })
        .Phase(Print, phase => phase.Task("page", Typesetter, "Greetings").After("german", "french", "proofread"))
        .Build();
}
