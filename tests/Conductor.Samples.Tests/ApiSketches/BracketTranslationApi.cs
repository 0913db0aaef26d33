namespace Conductor.Samples.Tests.ApiSketches;

/// <summary>"Translates" by naming the language, and counts its calls.</summary>
internal sealed class BracketTranslationApi : ITranslationApi
{
    private int _calls;

    public int Calls => _calls;

    public Task<string> TranslateAsync(string text, string to, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return Task.FromResult($"[{to}] {text}");
    }
}
