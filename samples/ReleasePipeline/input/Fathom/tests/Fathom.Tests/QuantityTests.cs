namespace Fathom.Tests;

public class QuantityTests
{
    [Theory]
    [InlineData("12.5 km", 12.5, "km")]
    [InlineData("3ftm", 3, "ftm")]
    [InlineData("  -40 oz ", -40, "oz")]
    [InlineData("0 s", 0, "s")]
    public void Parse_AmountAndSymbol_GivesBoth(string text, decimal amount, string symbol)
    {
        var quantity = Quantity.Parse(text);

        Assert.Equal(amount, quantity.Amount);
        Assert.Equal(symbol, quantity.Unit.Symbol);
    }

    [Theory]
    [InlineData("")]
    [InlineData("km")]
    [InlineData("12")]
    [InlineData("12 parsecs")]
    [InlineData("1,5 km")]
    public void Parse_NotAQuantity_Throws(string text) => Assert.Throws<FormatException>(() => Quantity.Parse(text));

    [Theory]
    [InlineData("1 km", "m", "1000")]
    [InlineData("2 ftm", "ft", "12")]
    [InlineData("1 d", "h", "24")]
    [InlineData("1 lb", "g", "453.59237")]
    public void To_UnitOfSameDimension_Converts(string text, string symbol, string expected)
    {
        var converted = Quantity.Parse(text).To(UnitCatalog.Get(symbol));

        Assert.Equal(Quantity.Parse($"{expected} {symbol}"), converted);
    }

    [Fact]
    public void To_UnitOfOtherDimension_ThrowsNamingBoth()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Quantity.Parse("1 km").To(UnitCatalog.Get("kg")));

        Assert.Contains("kilometre", error.Message, StringComparison.Ordinal);
        Assert.Contains("kilogram", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Operators_MixedUnits_UseTheLeftUnit()
    {
        Assert.Equal("1.5 km", (Quantity.Parse("1 km") + Quantity.Parse("500 m")).ToString());
        Assert.True(Quantity.Parse("1 mi") > Quantity.Parse("1 km"));
        Assert.Equal(Quantity.Parse("1000 m"), Quantity.Parse("1 km"));
        Assert.Equal(Quantity.Parse("1000 m").GetHashCode(), Quantity.Parse("1 km").GetHashCode());
    }

    [Fact]
    public void Default_IsZeroMetres() => Assert.Equal("0 m", default(Quantity).ToString());
}
