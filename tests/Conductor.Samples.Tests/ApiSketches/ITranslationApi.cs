namespace Conductor.Samples.Tests.ApiSketches;

internal interface ITranslationApi
{
    Task<string> TranslateAsync(string text, string to, CancellationToken cancellationToken);
}
