namespace YourOwnTypes;

/// <summary>Knows translations. It stands for whatever service your agents need; the container hands it to them.</summary>
internal sealed class Glossary
{
    private static readonly TimeSpan _timeOfAnswer = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<(string Text, string Language), string> _entries = new()
    {
        [("Good morning", "de")] = "Guten Morgen",
        [("Good morning", "fr")] = "Bonjour",
    };

    /// <summary>Looks a text up, word for word.</summary>
    /// <param name="text">The text.</param>
    /// <param name="language">The language asked for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<string> FindAsync(string text, string language, CancellationToken cancellationToken)
    {
        await Task.Delay(_timeOfAnswer, cancellationToken);
        return _entries[(text, language)];
    }

    /// <summary>Makes a sentence of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<string> PolishAsync(string text, CancellationToken cancellationToken)
    {
        await Task.Delay(_timeOfAnswer, cancellationToken);
        return $"{text}!";
    }
}
