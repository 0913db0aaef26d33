using System.Text.Json;

namespace Fathom.Tests;

/// <summary>Reads the inputs of TestData/parser-inputs.txt, a JSON text a line; a pipeline may put more of them there.</summary>
public class ParserInputTests
{
    public static TheoryData<string> Inputs =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "TestData", "parser-inputs.txt"))
            .Select(line => JsonSerializer.Deserialize<string>(line)!),
    ];

    [Theory]
    [MemberData(nameof(Inputs))]
    public void TryParse_AnyText_NeverThrowsAndWhatItReadsSurvivesARoundTrip(string text)
    {
        if (Quantity.TryParse(text, out var quantity))
        {
            Assert.Equal(quantity, Quantity.Parse(quantity.ToString()));
        }
    }
}
